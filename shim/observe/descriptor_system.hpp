// What descriptor.cpp asks of the system: implemented beside the rest of descriptor.hpp, one file
// per system. For those files only.
#pragma once

#include <csignal>
#include <cstdint>
#include <string_view>

#include <sys/stat.h>

#include "shim/observe/descriptor.hpp"

namespace scratch::shim {

// Holds back the signals that a write can raise in the writing thread, and swallows those that it
// raised. One that was pending already is the program's and stays.
class without_write_signals {
public:
    without_write_signals() noexcept;
    ~without_write_signals();
    without_write_signals(const without_write_signals &) = delete;
    without_write_signals &operator=(const without_write_signals &) = delete;

private:
    static constexpr int write_signals[] = {SIGPIPE, SIGXFSZ, SIGTTOU};
    sigset_t ours_;
    sigset_t before_;
};

// Returns when `descriptor` takes bytes, at the latest after `longest_wait`.
void wait_until_writable(int descriptor) noexcept;
inline constexpr int longest_wait = 100; // milliseconds

// As write(2) and pwrite(2): the bytes written, or an error number below zero.
long write_some(int descriptor, std::string_view bytes) noexcept;
long write_some_at(int descriptor, std::string_view bytes, std::int64_t offset) noexcept;

// What `status` says, after a call for it that returned 0; nothing after one that failed.
file_identity identity_from(long result, const struct stat &status) noexcept;

} // namespace scratch::shim
