// What musl needs beside the common names of strings.cpp: names only. Its getcwd makes the string
// by its strdup, so that no look at malloc's caller tells that it is handed over.

#include <cstddef>

#include "shim/route/handed_over.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

using namespace scratch::shim;

SCRATCH_EXPORT char *getcwd(char *buffer, std::size_t size) noexcept {
    return current_folder(buffer, size, SCRATCH_ORIGIN);
}
