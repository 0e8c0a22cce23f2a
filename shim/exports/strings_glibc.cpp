// What glibc has beside the common names of strings.cpp: names only.

#include <cstdarg>
#include <cstddef>

#include "shim/route/handed_over.hpp"
#include "shim/route/malloc_family.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

using namespace scratch::shim;

SCRATCH_EXPORT char *__strdup(const char *text) noexcept { return duplicate(text, SCRATCH_ORIGIN); }
SCRATCH_EXPORT char *__strndup(const char *text, std::size_t most) noexcept {
    return duplicate(text, most, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT int __vasprintf_chk(char **result, int flag, const char *format,
                                   std::va_list arguments) noexcept {
    return print_to_new_checked(result, flag, format, arguments, SCRATCH_ORIGIN);
}
SCRATCH_EXPORT int __asprintf_chk(char **result, int flag, const char *format, ...) noexcept {
    std::va_list arguments;
    va_start(arguments, format);
    const int length = print_to_new_checked(result, flag, format, arguments, SCRATCH_ORIGIN);
    va_end(arguments);
    return length;
}
SCRATCH_EXPORT char *canonicalize_file_name(const char *path) noexcept {
    return resolve_file_name(path, SCRATCH_ORIGIN);
}
