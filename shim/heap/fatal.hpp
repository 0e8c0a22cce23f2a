// The end of a program that frees what it must not: the block's story on standard error, then
// SIGABRT, as libc ends it. Nothing here allocates.
#pragma once

#include "shim/heap/block.hpp"

namespace scratch::shim {

// Returns if `freed` is the header of a live block in the reservation; else tells the story and
// aborts.
void check_freeable(block *freed) noexcept;

// Tells why `payload` cannot be freed, and aborts.
[[noreturn]] void refuse_to_free(void *payload) noexcept;

// The headers around `payload` are overwritten: aborts.
[[noreturn]] void refuse_to_go_on(void *payload) noexcept;

} // namespace scratch::shim
