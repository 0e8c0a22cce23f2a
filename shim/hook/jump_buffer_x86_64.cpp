#include "shim/hook/jump_buffer.hpp"

#include <bit>
#include <csetjmp>
#include <ucontext.h>

#include "shim/heap/machine_stack.hpp"

namespace scratch::shim {

namespace {

// glibc: rbx, rbp, r12 to r15, then the stack pointer, xored with a word of the thread's control
// block and rotated. musl: the same place, plain.
constexpr int place_of_stack_pointer = 6;
constexpr int rotation = 17;

enum class keeping : std::uint8_t { unknown, plain, mangled };
constinit keeping how = keeping::unknown;

std::uintptr_t pointer_guard() noexcept {
    std::uintptr_t guard;
    __asm__("movq %%fs:0x30, %0" : "=r"(guard));
    return guard;
}

std::uintptr_t word_in(const void *jump_buffer) noexcept {
    return static_cast<const std::uintptr_t *>(jump_buffer)[place_of_stack_pointer];
}

std::uintptr_t demangled(std::uintptr_t word) noexcept {
    return std::rotr(word, rotation) ^ pointer_guard();
}

bool is_near(std::uintptr_t found, std::uintptr_t here) noexcept {
    constexpr std::uintptr_t largest_frame = 4096;
    return found - here < largest_frame;
}

} // namespace

void learn_jump_buffer() noexcept {
    jmp_buf buffer;
    // Nobody jumps there.
    if (_setjmp(buffer) != 0) return;
    const std::uintptr_t here = stack_pointer();
    if (is_near(word_in(&buffer), here)) how = keeping::plain;
    if (is_near(demangled(word_in(&buffer)), here)) how = keeping::mangled;
}

std::uintptr_t stack_pointer_in(const void *jump_buffer) noexcept {
    switch (how) {
    case keeping::plain:
        return word_in(jump_buffer);
    case keeping::mangled:
        return demangled(word_in(jump_buffer));
    case keeping::unknown:
        break;
    }
    return 0;
}

std::uintptr_t stack_pointer_of_context(const void *context) noexcept {
    const auto &registers = static_cast<const ucontext_t *>(context)->uc_mcontext.gregs;
    return static_cast<std::uintptr_t>(registers[REG_RSP]);
}

} // namespace scratch::shim
