// Shows the shim what is about to be handed to the system.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/check/seam.hpp"

#pragma weak scratch_check_buffer

namespace {

// gcc takes a pointer to const for memory that is read, and warns of what a call has yet to fill.
inline void look(void *buffer, std::size_t size, const char *call) noexcept {
    if (&scratch_check_buffer != nullptr)
        scratch_check_buffer(reinterpret_cast<std::uintptr_t>(buffer), size, call);
}

inline void look(const void *buffer, std::size_t size, const char *call) noexcept {
    look(const_cast<void *>(buffer), size, call);
}

} // namespace
