#include "shim/heap/machine_stack.hpp"

// Where the main thread's machine stack began; glibc's loader sets it before anything else runs.
extern "C" [[gnu::weak]] void *__libc_stack_end;

namespace scratch::shim {

std::uintptr_t top_of_stack(bool main_thread) noexcept {
    if (main_thread && &__libc_stack_end != nullptr)
        return reinterpret_cast<std::uintptr_t>(__libc_stack_end);
    // Other threads' control blocks lie at the top of their stacks.
    return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
}

} // namespace scratch::shim
