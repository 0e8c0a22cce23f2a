// malloc for the system's own functions.
#pragma once

#include <cstddef>

namespace darwin::allocation {

// What functions of the system get that hand out memory, or take it: the program's malloc if a
// library interposes it, as in all of macOS's libraries.
void *interposed_malloc(std::size_t size);
void *interposed_aligned(std::size_t alignment, std::size_t size);
void *interposed_realloc(void *block, std::size_t size);
void interposed_free(void *block);

} // namespace darwin::allocation
