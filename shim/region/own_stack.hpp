// Which machine stack a call comes from. A coroutine that switches to a stack of its own does so in
// a few instructions of the program's, of which nobody is told: only its stack pointer shows it.
//
// A trusted region of a hooked function serves, and resets, what is called on its own stack, the
// thread's. One that is opened on another stack is a counted one: how far that stack reaches down,
// and whose begins there, nothing tells.
#pragma once

#include <cstdint>

#include "shim/heap/thread_heap.hpp"

namespace scratch::shim {

// Finds the calling thread's own machine stack, where it is not known yet. Under the inside word,
// and not from a signal handler's alternate stack.
void learn_own_stack() noexcept;

// At start: how large the system lets the main thread's stack become.
void note_largest_stack() noexcept;

[[gnu::always_inline]] inline bool is_own_stack_known() noexcept {
    return this_thread.stack_size != 0;
}

// False where it is not known.
[[gnu::always_inline]] inline bool is_on_own_stack(std::uintptr_t stack_pointer) noexcept {
    return stack_pointer - this_thread.stack_begin < this_thread.stack_size;
}

// Whether the innermost region serves a call from there.
[[gnu::always_inline]] inline bool serves_stack(const hot_words &hot,
                                                std::uintptr_t stack_pointer) noexcept {
    return stack_pointer - this_thread.stack_begin <= hot.stack_size;
}

} // namespace scratch::shim
