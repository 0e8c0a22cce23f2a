// strdup and its kin: names only. A hook on malloc cannot serve them in trusted regions: libc calls
// its strdup for strings that it keeps, too (the time zone's name, locales). Those calls do not
// come here, the program's do.

#include <cstddef>

#include "shim/route/malloc_family.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

using namespace scratch::shim;

SCRATCH_EXPORT char *strdup(const char *text) noexcept { return duplicate(text, SCRATCH_ORIGIN); }
SCRATCH_EXPORT char *__strdup(const char *text) noexcept { return duplicate(text, SCRATCH_ORIGIN); }
SCRATCH_EXPORT char *strndup(const char *text, std::size_t most) noexcept {
    return duplicate(text, most, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT char *__strndup(const char *text, std::size_t most) noexcept {
    return duplicate(text, most, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT wchar_t *wcsdup(const wchar_t *text) noexcept {
    return duplicate(text, SCRATCH_ORIGIN);
}
