#include "core/address_sanitizer.hpp"

#include <atomic>

#include <dlfcn.h>

namespace scratch::checks {
namespace {

enum class answer { unknown, absent, present };

constinit std::atomic<answer> known{answer::unknown};
constinit std::atomic<range_function> poison{nullptr};
constinit std::atomic<range_function> unpoison{nullptr};

range_function find(const char *name) noexcept {
    return reinterpret_cast<range_function>(dlsym(RTLD_DEFAULT, name));
}

} // namespace

// Asked for by name: a reference that may stay unbound is an option of the linker here, which each
// program that links the static library would have to give.
address_sanitizer find_address_sanitizer() noexcept {
    answer found = known.load(std::memory_order_acquire);
    if (found == answer::unknown) {
        // Threads that race find the same.
        const range_function first = find("__asan_poison_memory_region");
        const range_function second = find("__asan_unpoison_memory_region");
        found = first != nullptr && second != nullptr ? answer::present : answer::absent;
        poison.store(first, std::memory_order_relaxed);
        unpoison.store(second, std::memory_order_relaxed);
        known.store(found, std::memory_order_release);
    }
    if (found == answer::absent) return {nullptr, nullptr};
    return {poison.load(std::memory_order_relaxed), unpoison.load(std::memory_order_relaxed)};
}

} // namespace scratch::checks
