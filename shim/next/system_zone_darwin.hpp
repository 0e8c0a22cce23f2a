// The malloc zone that was the first one before ours: the system's own, but where a library that
// came before us has put its own there.
#pragma once

#include <malloc/malloc.h>

namespace scratch::shim {

// Null until ours is registered.
extern malloc_zone_t *system_zone __attribute__((visibility("hidden")));

} // namespace scratch::shim
