// The malloc family's exports: the common ones stand in malloc_family.cpp, what one libc alone has
// in a file of its own; those of either kind that are hot are written out here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/heap/thread_heap.hpp"
#include "shim/next/next.hpp"
#include "shim/route/entries.hpp"
#include "shim/route/malloc_family.hpp"
#include "shim/route/push.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

// Into each export by itself: they ask for their own caller.
namespace scratch::shim {

[[gnu::always_inline]] inline void *call_malloc(std::size_t size) noexcept {
    if (void *pushed = push_at_once(size)) return pushed;
    return entries.malloc(size);
}

[[gnu::always_inline]] inline void call_free(void *payload) noexcept {
    if (is_ours(payload)) return release(payload);
    return next.free(payload);
}

// Null first: some programs have no other malloc (Lua).
[[gnu::always_inline]] inline void *call_realloc(void *payload, std::size_t size,
                                                 origin from) noexcept {
    if (payload == nullptr) return call_malloc(size);
    return is_ours(payload) ? reallocate(payload, size, from) : next.realloc(payload, size);
}

} // namespace scratch::shim
