// Functions that hand a new string to their caller: names only. A hook on malloc cannot serve them
// in trusted regions: libc calls its strdup for strings that it keeps, too (the time zone's name,
// locales). Those calls do not come here, the program's do.

#include <cstdarg>
#include <cstddef>

#include "shim/route/handed_over.hpp"
#include "shim/route/malloc_family.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

using namespace scratch::shim;

SCRATCH_EXPORT char *strdup(const char *text) noexcept { return duplicate(text, SCRATCH_ORIGIN); }
SCRATCH_EXPORT char *strndup(const char *text, std::size_t most) noexcept {
    return duplicate(text, most, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT wchar_t *wcsdup(const wchar_t *text) noexcept {
    return duplicate(text, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT int vasprintf(char **result, const char *format, std::va_list arguments) noexcept {
    return print_to_new(result, format, arguments, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT int asprintf(char **result, const char *format, ...) noexcept {
    std::va_list arguments;
    va_start(arguments, format);
    const int length = print_to_new(result, format, arguments, SCRATCH_ORIGIN);
    va_end(arguments);
    return length;
}
SCRATCH_EXPORT char *realpath(const char *path, char *resolved) noexcept {
    return resolve_path(path, resolved, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT char *get_current_dir_name() noexcept { return current_folder(SCRATCH_ORIGIN); }
