#include "shim/lifecycle/process.hpp"

#include <cstddef>

#include <unistd.h>

#include "shim/next/next.hpp"

extern "C" void *malloc(std::size_t size) noexcept;

namespace scratch::shim {

void note_constructor() noexcept {}
void note_serving() noexcept {}

// The very first calls come before libc has set it.
char **environment_of_process() noexcept { return environ; }

// Such a program comes before us in the search.
bool malloc_is_the_programs() noexcept {
    void *found = find_definition_for_program("malloc");
    return found != nullptr && found != reinterpret_cast<void *>(&::malloc);
}

} // namespace scratch::shim
