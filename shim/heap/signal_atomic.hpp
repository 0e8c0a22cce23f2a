// Operations on words that only one thread writes, done in a single instruction, so that a signal
// handler which runs on that thread sees them done or not begun. They are not atomic towards other
// threads, which is why they cost no bus lock.
#pragma once

#include <cstdint>

namespace scratch::shim {

#if defined(__x86_64__)

// Sets `word` to `desired` if it is `expected`; true if it was. Else `expected` becomes what it is.
[[gnu::always_inline]] inline bool exchange_if_same(std::uintptr_t &word, std::uintptr_t &expected,
                                                    std::uintptr_t desired) noexcept {
    bool same;
    __asm__ volatile("cmpxchgq %[desired], %[word]"
                     : [word] "+m"(word), "=@cce"(same), "+a"(expected)
                     : [desired] "r"(desired)
                     : "memory");
    return same;
}

// Subtracts and tells whether the result is zero.
[[gnu::always_inline]] inline bool subtract_reaches_zero(std::uint32_t &word,
                                                         std::uint32_t amount) noexcept {
    bool zero;
    __asm__ volatile("subl %[amount], %[word]"
                     : [word] "+m"(word), "=@ccz"(zero)
                     : [amount] "r"(amount)
                     : "memory");
    return zero;
}

// The sum in one instruction; g++ 12 copies an operand first.
[[gnu::always_inline]] inline std::uintptr_t sum_of(std::uintptr_t left,
                                                    std::uintptr_t right) noexcept {
    std::uintptr_t sum;
    __asm__("leaq (%[left],%[right]), %[sum]"
            : [sum] "=&r"(sum)
            : [left] "r"(left), [right] "r"(right));
    return sum;
}

// Flips bits and tells whether the result is zero: whether the word was exactly those bits.
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

// Elsewhere the compiler's relaxed atomics: on arm64 a pair of exclusive accesses or one LSE
// instruction.
[[gnu::always_inline]] inline bool exchange_if_same(std::uintptr_t &word, std::uintptr_t &expected,
                                                    std::uintptr_t desired) noexcept {
    return __atomic_compare_exchange_n(&word, &expected, desired, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

[[gnu::always_inline]] inline bool subtract_reaches_zero(std::uint32_t &word,
                                                         std::uint32_t amount) noexcept {
    return __atomic_sub_fetch(&word, amount, __ATOMIC_RELAXED) == 0;
}

[[gnu::always_inline]] inline bool flip_reaches_zero(std::uint32_t &word,
                                                     std::uint32_t bits) noexcept {
    return __atomic_xor_fetch(&word, bits, __ATOMIC_RELAXED) == 0;
}

[[gnu::always_inline]] inline std::uintptr_t sum_of(std::uintptr_t left,
                                                    std::uintptr_t right) noexcept {
    return left + right;
}

#endif

// Keeps the compiler from moving memory accesses across this point; the processor keeps its own
// program's order.
[[gnu::always_inline]] inline void signal_fence() noexcept {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

} // namespace scratch::shim
