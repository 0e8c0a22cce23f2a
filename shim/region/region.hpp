// Regions: scopes on one thread in which all malloc calls go to scratch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/heap/chunk.hpp"

namespace scratch::shim {

struct thread_heap;

// How many regions one thread can have open; deeper ones count as part of the one around them.
inline constexpr std::uint32_t deepest_region = 48;

// How a region came about, which decides how it ends.
enum class region_kind : std::uint8_t {
    entered,      // by an annotation
    frame,        // a turn of a loop
    hooked,       // by the call of a hooked function, whose return is its exact end
    paused,       // the same, but nothing is pushed while it is the innermost one
    instrumented, // by a function that says itself that it begins and ends, and not if unwound
};

struct region {
    std::uint64_t name;           // a hash of its text
    std::uintptr_t stack_pointer; // where it was entered: above it the region is certainly over
    std::uintptr_t outer_top;     // what the heap goes back to
    std::uintptr_t outer_limit;   // the one that it has, of either kind
    std::uintptr_t outer_stack_size;
    chunk *outer_chunk;
    chunk *chunks; // left behind while the region went on; null where none is open here
    chunk *large;  // its blocks with chunks of their own; the same
    std::uint32_t serial;
    region_kind kind;
    bool trusted;
    bool uncertain; // code of another stack may have run in it: it ends as a counted one
    bool detached;  // opened on another stack than the thread's own, where that is known
    // Of a hooked frame: the stack pointer of the call that began the turn. Of an entered region
    // that a block of code bounds: where the call that entered it returned to.
    std::uintptr_t called_at;
};

struct region_stack {
    std::uint32_t depth = 0;
    std::uint32_t last_serial = 0;
    bool ending_late = false; // noticed by some later call, which may be a signal handler's
    region open[deepest_region] = {};
};

// As the stack pointer of a region that no function's frame bounds: it lasts until it is left, or
// the one around it ends.
inline constexpr std::uintptr_t no_bound = UINTPTR_MAX;

// Names a region on one thread: slot, serial and depth; 0 names none.
using region_token = std::uint64_t;

// Opens a region on the calling thread and returns what leave_region needs; 0 where there is
// nothing to open (mode off, no memory, too deep, called out of a signal handler that interrupted
// the shim). `stack_pointer` is the caller's at the call, `site` where that returns to. One that
// the same call entered from the same frame is over: a jump led out of it.
region_token enter_region(const char *name, bool trusted, std::uintptr_t stack_pointer,
                          std::uintptr_t site) noexcept;

// Ends a region. Its own thread, innermost region: exactly, by its kind. Out of order or on another
// thread: as a counted one. A token that names none, or one that ended already, is ignored.
void leave_region(region_token token) noexcept;

// Ends the turn of that name on the calling thread, by its kind, with the turns inside it as
// counted ones, and begins the next. Only turns since the innermost entered region are looked at.
void turn_frame(const char *name, bool trusted) noexcept;

// --- for the heap's slow paths, under the inside word --------------------------------------------

// Ends, as counted ones, the regions whose frame is gone (the stack pointer stands above it) and
// those that another thread left. False where it shows that frames do not end in their order here,
// as on a stack that lies in a variable of a function: then all that are open end as counted ones,
// and what is opened now is to be one.
bool end_finished_regions(thread_heap *heap, std::uintptr_t stack_pointer) noexcept;

// Makes the heap of a thread that is gone one without open chunks and regions, for the thread that
// adopts it: as if its regions had ended as counted ones.
void close_for_adoption(thread_heap *heap) noexcept;

} // namespace scratch::shim
