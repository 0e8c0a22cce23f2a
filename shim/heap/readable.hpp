// Whether memory can be read, of which we know no more than its address.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <sys/syscall.h>
#include <unistd.h>

namespace scratch::shim {

// The kernel copies the signal set before it finds that there is no such way to use it. Changes
// errno.
inline bool is_readable(std::uintptr_t address) noexcept {
    constexpr int no_such_way = -1;
    constexpr std::size_t size_of_set = 8;
    return syscall(SYS_rt_sigprocmask, no_such_way, address, nullptr, size_of_set) == 0 ||
           errno != EFAULT;
}

} // namespace scratch::shim
