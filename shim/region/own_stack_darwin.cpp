#include "shim/region/own_stack.hpp"

#include <pthread.h>

namespace scratch::shim {

// libpthread knows it of each thread, the main one too.
void note_largest_stack() noexcept {}

void learn_own_stack() noexcept {
    if (is_own_stack_known()) return;
    const pthread_t self = pthread_self();
    const std::size_t size = pthread_get_stacksize_np(self);
    this_thread.stack_begin =
        reinterpret_cast<std::uintptr_t>(pthread_get_stackaddr_np(self)) - size;
    this_thread.stack_size = size;
}

} // namespace scratch::shim
