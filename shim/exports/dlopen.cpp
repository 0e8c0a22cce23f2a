// dlopen is interposed to learn of two things: that the map of objects changes, and that an object
// is opened with RTLD_DEEPBIND. Such an object binds to libc's own free, which would get our
// blocks: from then on all calls go to the next allocator. Where libc searches by the caller's own
// path the call goes on as a jump, so that it sees the true one.

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
    if (scratch::shim::may_open_for(__builtin_return_address(0), file, flags))
        return scratch::shim::open_and_note(function, file, flags);
    SCRATCH_TAIL_CALL return function(file, flags);
}
