// Where the two hottest exports jump to when they do not push themselves: one pointer each, set at
// start and when adaptive mode decides. Where nothing is routed they are the next allocator's own
// functions, so that a malloc that passes costs five instructions, the look for an open region.
#pragma once

#include <cstddef>
#include <cstdint>

namespace scratch::shim {

using malloc_function = void *(*)(std::size_t);

// Plain words, written whole and atomically (direct_entries): compilers load std::atomic into a
// register first, and these jumps are counted by the instruction.
struct entry_points {
    malloc_function malloc;
    malloc_function operator_new;
    // Whether any call may go to scratch: asked by the exports that have no pointer of their own.
    bool routing;
    // Whether it is enough that such an export counts towards the next sample of adaptive mode.
    bool only_sampling;
    // Whether operator new pushes where malloc does: not before it is known whose operators they
    // are.
    bool new_pushes_itself;
    // Whether the exported malloc pushes by itself where a region is open (mode scoped, nothing
    // counted).
    bool malloc_pushes_itself;
    // Whether regions may be opened; and whether that takes no preparation any more.
    bool regions_allowed;
    bool regions_served;
};
extern entry_points entries __attribute__((visibility("hidden")));

} // namespace scratch::shim
