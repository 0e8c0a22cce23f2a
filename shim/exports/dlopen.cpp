// dlopen is interposed to learn of two things: that the map of objects changes, and that an object
// is opened with RTLD_DEEPBIND. Such an object binds to libc's own free, which would get our
// blocks: from then on all calls go to the next allocator. The call itself goes on as a jump, so
// that libc sees the true caller, by whose RPATH it searches.

#include <dlfcn.h>

#include "shim/lifecycle/modules.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

#if defined(__clang__)
#define SCRATCH_TAIL_CALL [[clang::musttail]]
#else
// gcc has no such attribute before 15, and makes the jump wherever it optimises sibling calls.
#pragma GCC optimize("O2", "optimize-sibling-calls")
#define SCRATCH_TAIL_CALL
#endif

SCRATCH_EXPORT void *dlopen(const char *file, int flags) noexcept {
    const scratch::shim::dlopen_function function = scratch::shim::note_dlopen(flags);
    SCRATCH_TAIL_CALL return function(file, flags);
}
