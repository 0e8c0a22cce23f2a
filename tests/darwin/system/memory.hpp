// What mmap's and mach's ways to memory share.
#pragma once

#include <cstddef>

namespace darwin::memory {

/// What madvise of macOS does, by its own numbers; -1 with the host's errno.
int advise(void *address, std::size_t size, int advice);

} // namespace darwin::memory
