// The shim's log: spdlog behind two functions, so that no other file of the shim includes it.
#pragma once

namespace scratch::shim {

enum class log_level : unsigned char;

// All of these write one line to standard error in one write(2), preceded by "scratch: ", cut at 1
// KiB, with no signal raised and no cancellation point; errno kept.

// Messages of this level and the more important ones are written by log(); none are before the
// first call, which is made at start by one thread.
void set_log_level(log_level level) noexcept;

// Written only where descriptor 2 is still what it was at start. May allocate (through vsnprintf):
// only for slow paths, under the busy word. Any thread.
[[gnu::format(printf, 2, 3)]] void log(log_level level, const char *format, ...) noexcept;

// Written whatever the level and whatever descriptor 2 is, with no library in between: for start,
// signal handlers, the fatal path. Conversions: see plain_text::format (no floating point).
// Allocates nothing.
[[gnu::format(printf, 1, 2)]] void log_raw(const char *format, ...) noexcept;

} // namespace scratch::shim
