// Coroutines that switch stacks by a few instructions of their own, as libco and Boost.Context do:
// nobody is told of it.
#pragma once

#include <cstdint>

// Defined below, in assembly: keeps what a call keeps on the stack that is left.
extern "C" void switch_stack(void **left, void *entered);

// What it keeps there, in words, and which of them is the address that it returns to.
#if defined(__x86_64__)
inline constexpr int kept_words = 8; // and one above, as if called
inline constexpr int kept_return = 6;
__asm__(".text\n"
        ".type switch_stack, @function\n"
        "switch_stack:\n\t"
        "endbr64\n\t"
        "pushq %rbp\n\t"
        "pushq %rbx\n\t"
        "pushq %r12\n\t"
        "pushq %r13\n\t"
        "pushq %r14\n\t"
        "pushq %r15\n\t"
        "movq %rsp, (%rdi)\n\t"
        "movq %rsi, %rsp\n\t"
        "popq %r15\n\t"
        "popq %r14\n\t"
        "popq %r13\n\t"
        "popq %r12\n\t"
        "popq %rbx\n\t"
        "popq %rbp\n\t"
        "ret\n"
        ".size switch_stack, . - switch_stack\n");
#elif defined(__aarch64__)
inline constexpr int kept_words = 20;
inline constexpr int kept_return = 1;
__asm__(".text\n"
        ".type switch_stack, %function\n"
        "switch_stack:\n\t"
        "hint #34\n\t" // bti c
        "stp x29, x30, [sp, #-160]!\n\t"
        "stp x19, x20, [sp, #16]\n\t"
        "stp x21, x22, [sp, #32]\n\t"
        "stp x23, x24, [sp, #48]\n\t"
        "stp x25, x26, [sp, #64]\n\t"
        "stp x27, x28, [sp, #80]\n\t"
        "stp d8, d9, [sp, #96]\n\t"
        "stp d10, d11, [sp, #112]\n\t"
        "stp d12, d13, [sp, #128]\n\t"
        "stp d14, d15, [sp, #144]\n\t"
        "mov x9, sp\n\t"
        "str x9, [x0]\n\t"
        "mov sp, x1\n\t"
        "ldp x19, x20, [sp, #16]\n\t"
        "ldp x21, x22, [sp, #32]\n\t"
        "ldp x23, x24, [sp, #48]\n\t"
        "ldp x25, x26, [sp, #64]\n\t"
        "ldp x27, x28, [sp, #80]\n\t"
        "ldp d8, d9, [sp, #96]\n\t"
        "ldp d10, d11, [sp, #112]\n\t"
        "ldp d12, d13, [sp, #128]\n\t"
        "ldp d14, d15, [sp, #144]\n\t"
        "ldp x29, x30, [sp], #160\n\t"
        "ret\n"
        ".size switch_stack, . - switch_stack\n");
#endif

// Runs on the stack that it is given. A body must not return before nobody resumes it any more.
class coroutine {
public:
    coroutine(char *stack, std::size_t size, void (*body)(coroutine &)) {
        auto *top = reinterpret_cast<void **>(reinterpret_cast<std::uintptr_t>(stack + size) &
                                              ~std::uintptr_t{63});
        for (int i = 0; i < kept_words; ++i)
            *--top = nullptr;
        top[kept_return] = reinterpret_cast<void *>(&begin);
        own_ = top;
        body_ = body;
    }
    coroutine(const coroutine &) = delete;
    coroutine &operator=(const coroutine &) = delete;

    void resume() {
        starting = this;
        switch_stack(&resumer_, own_);
    }
    void yield() { switch_stack(&own_, resumer_); }

    void *kept = nullptr; // for the body

private:
    static void begin() {
        coroutine &self = *starting;
        self.body_(self);
        for (;;)
            self.yield();
    }

    static inline thread_local coroutine *starting = nullptr;
    void *own_;
    void *resumer_ = nullptr;
    void (*body_)(coroutine &);
};
