// Which callers belong to the runtime: the dynamic loader, libc and the C++ runtime keep what they
// allocate for themselves (stdio buffers, locales, exception objects), whatever region is open
// (DESIGN 9). Exempt are the libc functions that hand their block to the caller.
#pragma once

#include <cstddef>
#include <cstdint>

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

// Reads the map of loaded objects if it may have changed since the last time. False while another
// thread does: who belongs to the runtime is not known then. Under the inside word.
bool learn_runtime() noexcept;

// In a forked child: the thread that was reading did not come along.
void forget_reader() noexcept;

// A dlopen was called: the map changes.
void modules_may_change() noexcept;

} // namespace scratch::shim
