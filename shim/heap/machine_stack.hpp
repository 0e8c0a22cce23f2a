// The machine stack of the calling thread.
#pragma once

#include <cstdint>

namespace scratch::shim {

[[gnu::always_inline]] inline std::uintptr_t stack_pointer() noexcept {
#if defined(__x86_64__)
    std::uintptr_t value;
    __asm__ volatile("movq %%rsp, %0" : "=r"(value));
    return value;
#elif defined(__aarch64__)
    std::uintptr_t value;
    __asm__ volatile("mov %0, sp" : "=r"(value));
    return value;
#else
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
#endif
}

// Where the calling thread's stack began. Asks nobody who allocates: one file per libc.
std::uintptr_t top_of_stack(bool main_thread) noexcept;

// True while a signal handler runs on an alternate stack: then addresses say nothing about nesting.
// A system call.
bool on_alternate_stack() noexcept;

} // namespace scratch::shim
