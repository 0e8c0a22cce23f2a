// What the preloaded object exports for scratch/annotate.h: the symbols that the header's inlines
// look for, and the plain names for who calls by name (ctypes, dlsym, other languages). The meaning
// of each is documented in scratch/annotate.h; here is what the two sides agree on beyond that.
//
// A symbol that was released keeps its meaning for good, since the header is compiled into
// programs: a change gets a new number, the old one stays exported.
#pragma once

#define SCRATCH_ANNOTATE_PROTOTYPES_ONLY
#include <scratch/annotate.h> // scratch_region_token, the flags, the plain names

#include <cstddef>

extern "C" {

// `name` may be null and may be gone after the call (an unloaded plugin): copy or hash what is
// kept. Flags: SCRATCH_TRUSTED, SCRATCH_OF_BLOCK_; unknown bits are ignored. Returns value 0 where
// no region was opened (mode off, stood aside, no memory): the header then does not call leave.
// Keeps errno.
// With SCRATCH_OF_BLOCK_ the call stands in the function whose block the region is, in every build,
// so a stack pointer above the caller's proves that the region is over. Without it, it proves
// nothing: the caller may be a wrapper, a constructor or libffi, and has returned when the work
// begins. The plain scratch_region_enter is such a call.
scratch_region_token scratch_annotate_region_enter_v1(const char *name, unsigned flags);

// Never called by the header with value 0, still to be ignored then. Any other value may be stale,
// of another thread or out of order. Keeps errno.
void scratch_annotate_region_leave_v1(scratch_region_token token);

// The turn that this ends is found by the text of its name, among those on top of this thread's
// regions down to the innermost that was entered by region_enter. A turn is bound to no machine
// stack frame: a stack pointer above the one it began at does not end it (above that of the region
// around it does). Keeps errno.
void scratch_annotate_frame_turn_v1(const char *name, unsigned flags);

// Null: the header calls malloc(size), which also is what sets ENOMEM. So never ask the next
// allocator in here: a program with its own malloc must get blocks that its own free takes. Keeps
// errno.
void *scratch_annotate_alloc_v1(std::size_t size);

// 1: `block` was the shim's and is freed. 0: it is not (null included), and the header calls
// free(block). A pointer into the shim's range that is no live block stops the program, as free
// does. Keeps errno.
int scratch_annotate_free_v1(void *block);

} // extern "C"
