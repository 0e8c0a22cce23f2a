// The end of a program that calls exit or returns from main: one file per libc.
#pragma once

namespace scratch::shim::check {

// From now on the program's end calls finish(), as late as libc lets it, and has the status that
// this gives. Called once, before any code of the program.
void call_at_exit() noexcept;

} // namespace scratch::shim::check
