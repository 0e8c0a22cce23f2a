// The shim's log: spdlog behind two functions, so that no other file of the shim includes it.
#pragma once

namespace scratch::shim {

enum class log_level : unsigned char;

// Both format at most 1 KiB and write it to standard error in one write(2), preceded by "scratch: ".
// They may allocate (from the next allocator): only for slow paths, under the busy word. errno kept.
void set_log_level(log_level level) noexcept;
[[gnu::format(printf, 2, 3)]] void log(log_level level, const char *format, ...) noexcept;

// Writes "scratch: <message>" by write(2) with nothing in between: for start, signal handlers, the fatal
// path. Allocates nothing.
[[gnu::format(printf, 1, 2)]] void log_raw(const char *format, ...) noexcept;

} // namespace scratch::shim
