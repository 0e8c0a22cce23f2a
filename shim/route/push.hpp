// The push that the exported malloc and operator new make themselves while a region is open: a call
// less than by way of an entry point. In counted regions whoever calls, since what the runtime
// keeps is nobody's to reset there.
#pragma once

#include "shim/heap/thread_heap.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

// A block of `size` bytes for the caller of the function that this becomes a part of, or null: then
// the entry point decides. Brief blocks stand first: who asks for a trusted region wants speed.
[[gnu::always_inline]] inline void *push_at_once(std::size_t size) noexcept {
    hot_words &open = *this_thread.open;
    if (open.inside != 0) [[unlikely]]
        return nullptr;
    if (open.brief_limit == 0) [[unlikely]]
        return try_push<counted::no>(open, size, 0);
    if (SCRATCH_CALLER_MAY_BE_RUNTIME) [[unlikely]]
        return nullptr;
    return try_push_brief<counted::no>(open, size, 0);
}

} // namespace scratch::shim
