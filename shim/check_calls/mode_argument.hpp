// The permissions that open and its kin take as one more argument, only where they may make a file.
#pragma once

#include <cstdarg>

namespace scratch::check_calls {

// The kernel's values: <fcntl.h> declares open and open64 otherwise than we define them.
inline constexpr int creates = 0100;      // O_CREAT
inline constexpr int unnamed = 020000000; // what O_TMPFILE has besides O_DIRECTORY

} // namespace scratch::check_calls

// Defines `mode`: the argument after `flags`, or 0 where the caller gave none.
#define SCRATCH_MODE_ARGUMENT(flags, mode)                                                         \
    unsigned mode = 0;                                                                             \
    if (((flags) & (scratch::check_calls::creates | scratch::check_calls::unnamed)) != 0) {        \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode = va_arg(more, unsigned);                                                             \
        va_end(more);                                                                              \
    }
