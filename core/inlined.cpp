// The exported copies of what scratch.h inlines: for callers that do not inline, and other
// languages.

#include <scratch/support.h>

#undef SCRATCH_INLINE
#define SCRATCH_INLINE SCRATCH_API

#include <scratch/scratch.h>
