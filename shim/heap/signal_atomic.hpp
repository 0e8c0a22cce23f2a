// The hot path's few operations whose instructions are counted, and the fence towards signal
// handlers.
#pragma once

#include <cstdint>

namespace scratch::shim {

#if defined(__x86_64__)

// The sum in one instruction; g++ 12 copies an operand first.
[[gnu::always_inline]] inline std::uintptr_t sum_of(std::uintptr_t left,
                                                    std::uintptr_t right) noexcept {
    std::uintptr_t sum;
    __asm__("leaq (%[left],%[right]), %[sum]"
            : [sum] "=&r"(sum)
            : [left] "r"(left), [right] "r"(right));
    return sum;
}

// Flips bits and tells whether the result is zero: whether the word was exactly those bits. One
// instruction, so a handler that frees the same block by mistake finds it live or freed, nothing
// between.
[[gnu::always_inline]] inline bool flip_reaches_zero(std::uint32_t &word,
                                                     std::uint32_t bits) noexcept {
    bool zero;
    __asm__ volatile("xorl %[bits], %[word]"
                     : [word] "+m"(word), "=@ccz"(zero)
                     : [bits] "ir"(bits)
                     : "memory");
    return zero;
}

#else

[[gnu::always_inline]] inline std::uintptr_t sum_of(std::uintptr_t left,
                                                    std::uintptr_t right) noexcept {
    return left + right;
}

#if defined(__aarch64__)

// Not the compiler's own, which is a call of a function: every free would save registers for it.
[[gnu::always_inline]] inline bool flip_reaches_zero(std::uint32_t &word,
                                                     std::uint32_t bits) noexcept {
    std::uint32_t now;
    std::uint32_t refused;
    __asm__ volatile("1: ldxr %w[now], %[word]\n\t"
                     "eor %w[now], %w[now], %w[bits]\n\t"
                     "stxr %w[refused], %w[now], %[word]\n\t"
                     "cbnz %w[refused], 1b"
                     : [word] "+Q"(word), [now] "=&r"(now), [refused] "=&r"(refused)
                     : [bits] "r"(bits)
                     : "memory");
    return now == 0;
}

#else

[[gnu::always_inline]] inline bool flip_reaches_zero(std::uint32_t &word,
                                                     std::uint32_t bits) noexcept {
    return __atomic_xor_fetch(&word, bits, __ATOMIC_RELAXED) == 0;
}

#endif

#endif

// Keeps the compiler from moving memory accesses across this point; the processor keeps its own
// program's order, and a handler runs on the same one.
[[gnu::always_inline]] inline void signal_fence() noexcept {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

} // namespace scratch::shim
