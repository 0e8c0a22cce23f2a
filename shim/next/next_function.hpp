// A function of the next object that has it, found at the first call: a program that never makes
// one does not pay for the search at its start. errno and dlerror stay the program's.
#pragma once

#include <atomic>

#include "core/kept_errno.hpp"
#include "shim/next/loader_errors.hpp"
#include "shim/next/next.hpp"

namespace scratch::shim {

template <typename Function>
class next_function {
public:
    // `name` of a function that is surely there: whoever calls us was linked with it.
    // `version`: the newest, where libc has several.
    explicit constexpr next_function(const char *name, const char *version = nullptr) noexcept
        : name_(name), version_(version) {}

    Function get() noexcept {
        // If another thread loaded the object that has it, what the loader wrote there is seen.
        const Function known = known_.load(std::memory_order_acquire);
        return known != nullptr ? known : find();
    }

private:
    [[gnu::noinline]] Function find() noexcept {
        const kept_errno keep_errno;
        const loader_error_aside aside;
        const auto found = reinterpret_cast<Function>(
            version_ == nullptr ? find_next(name_) : find_next_of_version(name_, version_));
        known_.store(found, std::memory_order_release);
        return found;
    }

    const char *name_;
    const char *version_;
    std::atomic<Function> known_{nullptr};
};

} // namespace scratch::shim
