#include "shim/heap/machine_stack.hpp"

#include <cstddef>
#include <pthread.h>
#include <sys/auxv.h>

namespace scratch::shim {

std::uintptr_t top_of_stack(bool main_thread) noexcept {
    // The kernel lays these bytes right above what it hands to the program. musl's own answer for
    // the main thread is a system call per page of its stack.
    if (main_thread) return getauxval(AT_RANDOM);
    // Of other threads libc keeps it. Their control blocks lie elsewhere where the program brought
    // the stack.
    pthread_attr_t attributes;
    void *bottom = nullptr;
    std::size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0 ||
        pthread_attr_getstack(&attributes, &bottom, &size) != 0)
        return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
    return reinterpret_cast<std::uintptr_t>(bottom) + size;
}

} // namespace scratch::shim
