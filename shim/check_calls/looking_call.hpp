// A call that hands memory to the system, defined in a line: its buffers are looked at, then the
// next definition of its name goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <sys/uio.h>

#include "shim/check_calls/look.hpp"
#include "shim/check_calls/next_function.hpp"

namespace {

// How long a text is cannot be asked before it is readable; what lies behind its block is not
// looked at anyhow.
inline void look_at_text(const char *text, const char *call) noexcept {
    look(text, SIZE_MAX, call);
}

inline void look_at_parts(const iovec *parts, int count, const char *call) noexcept {
    if (count <= 0 || count > 1024) return;
    look(parts, static_cast<std::size_t>(count) * sizeof(iovec), call);
    for (int i = 0; i < count; ++i)
        look(parts[i].iov_base, parts[i].iov_len, call);
}

} // namespace

#define SCRATCH_CALL(result, name, parameters, arguments, looks)                                   \
    SCRATCH_EXPORT result name parameters {                                                        \
        looks;                                                                                     \
        return SCRATCH_NEXT(name) arguments;                                                       \
    }
#define SCRATCH_QUIET_CALL(result, name, parameters, arguments, looks)                             \
    SCRATCH_EXPORT result name parameters noexcept {                                               \
        looks;                                                                                     \
        return SCRATCH_NEXT(name) arguments;                                                       \
    }
