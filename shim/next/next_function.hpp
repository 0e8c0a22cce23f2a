// A function of the next object that has it, found at the first call: a program that never makes
// one does not pay for the search at its start. errno and dlerror stay the program's.
#pragma once

#include <atomic>
#include <cerrno>

#include "shim/next/loader_errors.hpp"
#include "shim/next/next.hpp"

namespace scratch::shim {

template <typename Function>
class next_function {
public:
    // `name` of a function that is surely there: whoever calls us was linked with it.
    explicit constexpr next_function(const char *name) noexcept : name_(name) {}

    Function get() noexcept {
        const Function known = known_.load(std::memory_order_relaxed);
        return known != nullptr ? known : find();
    }

private:
    [[gnu::noinline]] Function find() noexcept {
        const int saved_errno = errno;
        const loader_error_aside aside;
        const auto found = reinterpret_cast<Function>(find_next(name_));
        known_.store(found, std::memory_order_relaxed);
        errno = saved_errno;
        return found;
    }

    const char *name_;
    std::atomic<Function> known_{nullptr};
};

} // namespace scratch::shim
