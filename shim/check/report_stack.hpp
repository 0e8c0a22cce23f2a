// A stack to report on: a fault may come on one that has a few kilobytes left, or on a small
// alternate one.
#pragma once

namespace scratch::shim::check {

bool open_report_stack() noexcept;

// Calls `function(argument)` there. One caller at a time.
void call_on_report_stack(void (*function)(void *) noexcept, void *argument) noexcept;

} // namespace scratch::shim::check
