// The exported copies of what scratch.h inlines: for callers that do not inline, and other
// languages.

#include <scratch/support.h>

#undef SCRATCH_INLINE
// `used` emits them; they are inlined into each other all the same.
#define SCRATCH_INLINE SCRATCH_API inline __attribute__((used, always_inline))

#include <scratch/scratch.h>
