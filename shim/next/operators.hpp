// The C++ operators of the next object that has them: the host's own runtime, so that new_handler
// and bad_alloc stay the host's (DESIGN 19).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace scratch::shim {

// name here, mangled name (for a 64-bit size_t), result, parameters
#define SCRATCH_OPERATORS(X)                                                                       \
    X(plain_new, "_Znwm", void *, (std::size_t))                                                   \
    X(array_new, "_Znam", void *, (std::size_t))                                                   \
    X(nothrow_new, "_ZnwmRKSt9nothrow_t", void *, (std::size_t, const std::nothrow_t &))           \
    X(nothrow_array_new, "_ZnamRKSt9nothrow_t", void *, (std::size_t, const std::nothrow_t &))     \
    X(aligned_new, "_ZnwmSt11align_val_t", void *, (std::size_t, std::align_val_t))                \
    X(aligned_array_new, "_ZnamSt11align_val_t", void *, (std::size_t, std::align_val_t))          \
    X(aligned_nothrow_new, "_ZnwmSt11align_val_tRKSt9nothrow_t", void *,                           \
      (std::size_t, std::align_val_t, const std::nothrow_t &))                                     \
    X(aligned_nothrow_array_new, "_ZnamSt11align_val_tRKSt9nothrow_t", void *,                     \
      (std::size_t, std::align_val_t, const std::nothrow_t &))                                     \
    X(plain_delete, "_ZdlPv", void, (void *))                                                      \
    X(array_delete, "_ZdaPv", void, (void *))                                                      \
    X(sized_delete, "_ZdlPvm", void, (void *, std::size_t))                                        \
    X(sized_array_delete, "_ZdaPvm", void, (void *, std::size_t))                                  \
    X(nothrow_delete, "_ZdlPvRKSt9nothrow_t", void, (void *, const std::nothrow_t &))              \
    X(nothrow_array_delete, "_ZdaPvRKSt9nothrow_t", void, (void *, const std::nothrow_t &))        \
    X(aligned_delete, "_ZdlPvSt11align_val_t", void, (void *, std::align_val_t))                   \
    X(aligned_array_delete, "_ZdaPvSt11align_val_t", void, (void *, std::align_val_t))             \
    X(sized_aligned_delete, "_ZdlPvmSt11align_val_t", void,                                        \
      (void *, std::size_t, std::align_val_t))                                                     \
    X(sized_aligned_array_delete, "_ZdaPvmSt11align_val_t", void,                                  \
      (void *, std::size_t, std::align_val_t))                                                     \
    X(aligned_nothrow_delete, "_ZdlPvSt11align_val_tRKSt9nothrow_t", void,                         \
      (void *, std::align_val_t, const std::nothrow_t &))                                          \
    X(aligned_nothrow_array_delete, "_ZdaPvSt11align_val_tRKSt9nothrow_t", void,                   \
      (void *, std::align_val_t, const std::nothrow_t &))

enum class cxx_operator : std::uint8_t {
#define SCRATCH_NAME(name, mangled, result, parameters) name,
    SCRATCH_OPERATORS(SCRATCH_NAME)
#undef SCRATCH_NAME
        count
};

// Those that an object in the global scope defines: found once, good for as long as the program
// runs.
inline constexpr auto operator_count = static_cast<std::size_t>(cxx_operator::count);
extern std::atomic<void *> known_operators[operator_count] __attribute__((visibility("hidden")));

void *look_up_operator(cxx_operator wanted, const void *caller) noexcept;

// The next definition of an operator. Where no object in the global scope has one (a library that
// brought its own runtime into a local scope), that of the caller's module. Never null: a program
// without any gets one over the next malloc and free. May throw nothing itself; what it returns
// may.
[[gnu::always_inline]] inline void *next_operator(cxx_operator wanted,
                                                  const void *caller) noexcept {
    // If another thread loaded the object that has it, what the loader wrote there is seen.
    void *known = known_operators[static_cast<std::size_t>(wanted)].load(std::memory_order_acquire);
    return known != nullptr ? known : look_up_operator(wanted, caller);
}

// Objects may have been closed, and others opened in their place.
void forget_local_operators() noexcept;

// False where some operator is the program's own: then all 20 pass through.
bool operators_are_the_runtimes() noexcept;

} // namespace scratch::shim
