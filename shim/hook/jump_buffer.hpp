// Where a longjmp goes: the stack pointer kept in a jmp_buf.
#pragma once

#include <cstdint>

namespace scratch::shim {

// Makes a jmp_buf of its own and looks how libc keeps the stack pointer in it. Once, at start.
void learn_jump_buffer() noexcept;

// 0 where that was not found out.
std::uintptr_t stack_pointer_in(const void *jump_buffer) noexcept;

// The one in a ucontext_t that setcontext gets.
std::uintptr_t stack_pointer_of_context(const void *context) noexcept;

} // namespace scratch::shim
