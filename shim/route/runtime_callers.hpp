// Which callers belong to the runtime: the dynamic loader, libc and the C++ runtime keep what they
// allocate for themselves (stdio buffers, locales, exception objects), whatever region is open
// (DESIGN 9). Exempt are the libc functions that hand their block to the caller.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace scratch::shim {

inline constexpr std::size_t granule_bits = 16;
inline constexpr std::size_t granules = 65536;

// Non-zero where some runtime code has an address with these bits: a quick look, wrong on the safe
// side.
extern std::uint8_t runtime_granules[granules] __attribute__((visibility("hidden")));

[[gnu::always_inline]] inline bool may_be_runtime(std::uintptr_t caller) noexcept {
    return runtime_granules[static_cast<std::uint32_t>(caller) >> granule_bits] != 0;
}

// The same for the caller of the function in whose body it stands, without loading all of the
// address.
#if defined(__x86_64__)
#define SCRATCH_CALLER_MAY_BE_RUNTIME                                                              \
    (scratch::shim::runtime_granules[*reinterpret_cast<const scratch::shim::granule *>(            \
         static_cast<char *>(__builtin_dwarf_cfa()) - 6)] != 0)
using granule [[gnu::may_alias]] = std::uint16_t;
#else
#define SCRATCH_CALLER_MAY_BE_RUNTIME                                                              \
    scratch::shim::may_be_runtime(reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)))
#endif

// The exact answer: the runtime calls for itself.
bool is_runtime(std::uintptr_t caller) noexcept;

// Whether the options except the caller from all regions.
bool is_excepted(std::uintptr_t caller) noexcept;

// Reads the map of loaded objects if it may have changed since the last time. False while another
// thread does: who belongs to the runtime is not known then. Under the inside word.
bool learn_runtime() noexcept;

// Whether nothing was loaded since: then learn_runtime has nothing to read.
extern std::atomic<std::uint32_t> runtime_changes __attribute__((visibility("hidden")));
extern std::atomic<std::uint32_t> runtime_changes_read __attribute__((visibility("hidden")));
[[gnu::always_inline]] inline bool runtime_is_known() noexcept {
    return runtime_changes_read.load(std::memory_order_acquire) ==
           runtime_changes.load(std::memory_order_relaxed);
}

// The functions of the loaded objects that these name are treated like the runtime from the next
// learn_runtime on: what they allocate, others keep. The texts stay where they are. Once, at start.
struct excluded_functions {
    const char *module; // patterns; null: any module
    const char *function;
};
void exclude_callers(std::span<const excluded_functions> excluded) noexcept;
bool has_exclusions() noexcept;

// In a forked child: the thread that was reading did not come along.
void forget_reader() noexcept;

// A dlopen was called: the map changes.
void modules_may_change() noexcept;

} // namespace scratch::shim
