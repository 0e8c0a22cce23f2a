#include "core/stack.hpp"

#include <cstring>

extern "C" {

void *scratch_fill_slow_(void *target, int byte, size_t size) {
    return std::memset(target, byte, size);
}

void *scratch_copy_slow_(void *target, const void *source, size_t size) {
    return std::memcpy(target, source, size);
}
}
