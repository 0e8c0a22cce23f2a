// Coroutines that switch stacks by a few instructions of their own, as libco and Boost.Context do:
// nobody is told of it.
#pragma once

#include <cstdint>

// Defined below, in assembly: keeps what a call keeps on the stack that is left.
extern "C" void switch_stack(void **left, void *entered);

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

// Runs on the stack that it is given. A body must not return before nobody resumes it any more.
class coroutine {
public:
    coroutine(char *stack, std::size_t size, void (*body)(coroutine &)) {
        auto *top = reinterpret_cast<void **>(reinterpret_cast<std::uintptr_t>(stack + size) &
                                              ~std::uintptr_t{63});
        *--top = nullptr; // as if called from here: the stack is aligned as at a function's begin
        *--top = reinterpret_cast<void *>(&begin);
        for (int i = 0; i < 6; ++i)
            *--top = nullptr;
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
