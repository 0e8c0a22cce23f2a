// The next definition of a function that this object interposes, found once.
#pragma once

#include <atomic>
#include <dlfcn.h>

#include "core/kept_errno.hpp"

namespace scratch::check_calls {

class next_function {
public:
    constexpr explicit next_function(const char *name) noexcept : name_(name) {}

    void *get() noexcept {
        void *known = found_.load(std::memory_order_relaxed);
        if (known != nullptr) return known;
        const kept_errno keep_errno;
        known = dlsym(RTLD_NEXT, name_);
        found_.store(known, std::memory_order_relaxed);
        return known;
    }

private:
    const char *name_;
    std::atomic<void *> found_{nullptr};
};

} // namespace scratch::check_calls

// Within a function of that name: the next one.
#define SCRATCH_NEXT(name)                                                                         \
    ([]() noexcept {                                                                               \
        static constinit scratch::check_calls::next_function next(#name);                          \
        return reinterpret_cast<decltype(&::name)>(next.get());                                    \
    }())

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]
