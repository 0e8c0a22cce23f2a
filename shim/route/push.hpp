// The push that the exported malloc and operator new make themselves while a region is open: a call
// less than by way of an entry point. In counted regions whoever calls, since what the runtime
// keeps is nobody's to reset there.
#pragma once

#include "shim/heap/thread_heap.hpp"
#include "shim/route/runtime_callers.hpp"

// A block of `size` bytes for the caller of the function in whose body it stands, or null: then the
// entry point decides.
#define SCRATCH_PUSH(size)                                                                         \
    (this_thread.open->inside != 0 ? nullptr                                                       \
     : this_thread.open->brief_limit == 0                                                          \
         ? scratch::shim::try_push<scratch::shim::counted::no>(*this_thread.open, size, 0)         \
     : SCRATCH_CALLER_MAY_BE_RUNTIME                                                               \
         ? nullptr                                                                                 \
         : scratch::shim::try_push_brief<scratch::shim::counted::no>(*this_thread.open, size, 0))
