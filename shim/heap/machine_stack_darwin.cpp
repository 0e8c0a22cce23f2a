#include "shim/heap/machine_stack.hpp"

#include <pthread.h>

namespace scratch::shim {

std::uintptr_t top_of_stack(bool) noexcept {
    return reinterpret_cast<std::uintptr_t>(pthread_get_stackaddr_np(pthread_self()));
}

} // namespace scratch::shim
