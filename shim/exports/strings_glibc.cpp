// strdup and its kin: names only. libc's own are not reached by a hook on malloc alone where that
// would matter: in trusted regions what libc allocates for itself must not lie on the stack, and it
// calls its strdup for itself as well. Its own calls do not come here.

#include <cstddef>
#include <cstring>
#include <cwchar>

#include "shim/route/malloc_family.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

using namespace scratch::shim;

SCRATCH_EXPORT char *strdup(const char *text) noexcept {
    return static_cast<char *>(duplicate(text, std::strlen(text), 1, SCRATCH_ORIGIN));
}
SCRATCH_EXPORT char *__strdup(const char *text) noexcept {
    return static_cast<char *>(duplicate(text, std::strlen(text), 1, SCRATCH_ORIGIN));
}
SCRATCH_EXPORT char *strndup(const char *text, std::size_t most) noexcept {
    return static_cast<char *>(duplicate(text, strnlen(text, most), 1, SCRATCH_ORIGIN));
}
SCRATCH_EXPORT char *__strndup(const char *text, std::size_t most) noexcept {
    return static_cast<char *>(duplicate(text, strnlen(text, most), 1, SCRATCH_ORIGIN));
}
SCRATCH_EXPORT wchar_t *wcsdup(const wchar_t *text) noexcept {
    return static_cast<wchar_t *>(
        duplicate(text, std::wcslen(text) * sizeof(wchar_t), sizeof(wchar_t), SCRATCH_ORIGIN));
}
