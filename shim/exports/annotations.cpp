// What annotated programs call: names only, no logic.

#include "shim/exports/annotation_symbols.hpp"

#include <cstdint>

#include "shim/region/region.hpp"
#include "shim/route/malloc_family.hpp"
#include "shim/route/route.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]
#define SCRATCH_CALLER reinterpret_cast<std::uintptr_t>(__builtin_return_address(0))
// What lies below the region on the machine stack: the caller's frame where a block of code bounds
// the region, nothing where the caller may return before it ends.
#define SCRATCH_BOUND(flags)                                                                       \
    (((flags)&SCRATCH_OF_BLOCK_) != 0 ? reinterpret_cast<std::uintptr_t>(__builtin_dwarf_cfa())    \
                                      : no_bound)

using namespace scratch::shim;

SCRATCH_EXPORT scratch_region_token scratch_annotate_region_enter_v1(const char *name,
                                                                     unsigned flags) {
    return {
        enter_region(name, (flags & SCRATCH_TRUSTED) != 0, SCRATCH_BOUND(flags), SCRATCH_CALLER)};
}
SCRATCH_EXPORT void scratch_annotate_region_leave_v1(scratch_region_token token) {
    leave_region(token.value);
}
SCRATCH_EXPORT void scratch_annotate_frame_turn_v1(const char *name, unsigned flags) {
    turn_frame(name, (flags & SCRATCH_TRUSTED) != 0);
}
SCRATCH_EXPORT void *scratch_annotate_alloc_v1(std::size_t size) {
    return push_tagged(size, SCRATCH_CALLER);
}
SCRATCH_EXPORT int scratch_annotate_free_v1(void *block) { return release_if_ours(block) ? 1 : 0; }

SCRATCH_EXPORT scratch_region_token scratch_region_enter(const char *name, unsigned flags) {
    return {
        enter_region(name, (flags & SCRATCH_TRUSTED) != 0, SCRATCH_BOUND(flags), SCRATCH_CALLER)};
}
SCRATCH_EXPORT void scratch_region_leave(scratch_region_token token) { leave_region(token.value); }
SCRATCH_EXPORT void scratch_frame_turn(const char *name, unsigned flags) {
    turn_frame(name, (flags & SCRATCH_TRUSTED) != 0);
}
SCRATCH_EXPORT void *scratch_alloc(std::size_t size) {
    return allocate_tagged(size, SCRATCH_CALLER);
}
SCRATCH_EXPORT void scratch_free(void *block) { free_any(block); }
