#include "shim/hook/jump_buffer.hpp"

#include <csetjmp>
#include <ucontext.h>

#include "shim/heap/machine_stack.hpp"

namespace scratch::shim {

namespace {

// glibc and musl: x19 to x30, a word, then the stack pointer. glibc xors it and the return address
// with one word that it keeps for itself; musl keeps them plain, which is a word of zero.
constexpr int place_of_return_address = 11;
constexpr int place_of_stack_pointer = 13;

constinit bool is_known = false;
constinit std::uintptr_t guard = 0;

std::uintptr_t word_in(const void *jump_buffer, int place) noexcept {
    return static_cast<const std::uintptr_t *>(jump_buffer)[place];
}

} // namespace

[[gnu::noinline]] void learn_jump_buffer() noexcept {
    jmp_buf buffer;
    // Nobody jumps there.
    if (_setjmp(buffer) != 0) return;
    // One stack pointer holds in all of a function.
    const std::uintptr_t found = word_in(&buffer, place_of_stack_pointer) ^ stack_pointer();
    // What the other word says then must be in here.
    const std::uintptr_t back = word_in(&buffer, place_of_return_address) ^ found;
    constexpr std::uintptr_t largest_size = 512;
    if (back - reinterpret_cast<std::uintptr_t>(&learn_jump_buffer) >= largest_size) return;
    guard = found;
    is_known = true;
}

std::uintptr_t stack_pointer_in(const void *jump_buffer) noexcept {
    return is_known ? word_in(jump_buffer, place_of_stack_pointer) ^ guard : 0;
}

std::uintptr_t stack_pointer_of_context(const void *context) noexcept {
    return static_cast<const ucontext_t *>(context)->uc_mcontext.sp;
}

} // namespace scratch::shim
