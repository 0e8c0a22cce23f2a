// Functions of macOS that hand a new string to their caller: names only, no logic.

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <unistd.h>
#include <xlocale.h>

#include "shim/exports/interpose_darwin.hpp"
#include "shim/route/handed_over.hpp"
#include "shim/route/handed_over_darwin.hpp"
#include "shim/route/malloc_family.hpp"

using namespace scratch::shim;

namespace interposed {
namespace {

char *strdup(const char *text) noexcept { return duplicate(text, SCRATCH_ORIGIN); }
char *strndup(const char *text, std::size_t most) noexcept {
    return duplicate(text, most, SCRATCH_ORIGIN);
}
wchar_t *wcsdup(const wchar_t *text) noexcept { return duplicate(text, SCRATCH_ORIGIN); }
int vasprintf(char **result, const char *format, std::va_list arguments) noexcept {
    return print_to_new(result, format, arguments, SCRATCH_ORIGIN);
}
int asprintf(char **result, const char *format, ...) noexcept {
    std::va_list arguments;
    va_start(arguments, format);
    const int length = print_to_new(result, format, arguments, SCRATCH_ORIGIN);
    va_end(arguments);
    return length;
}
int vasprintf_l(char **result, locale_t locale, const char *format,
                std::va_list arguments) noexcept {
    return print_to_new(result, locale, format, arguments, SCRATCH_ORIGIN);
}
int asprintf_l(char **result, locale_t locale, const char *format, ...) noexcept {
    std::va_list arguments;
    va_start(arguments, format);
    const int length = print_to_new(result, locale, format, arguments, SCRATCH_ORIGIN);
    va_end(arguments);
    return length;
}
char *realpath(const char *path, char *resolved) noexcept {
    return resolve_path(path, resolved, SCRATCH_ORIGIN);
}
char *getcwd(char *into, std::size_t size) noexcept {
    return working_folder(into, size, SCRATCH_ORIGIN);
}
ssize_t getdelim(char **line, std::size_t *capacity, int end, FILE *file) noexcept {
    return read_until(line, capacity, end, file, SCRATCH_ORIGIN);
}
ssize_t getline(char **line, std::size_t *capacity, FILE *file) noexcept {
    return read_until(line, capacity, '\n', file, SCRATCH_ORIGIN);
}

} // namespace
} // namespace interposed

#define SCRATCH_INTERPOSED(X)                                                                      \
    X(strdup)                                                                                      \
    X(strndup)                                                                                     \
    X(wcsdup)                                                                                      \
    X(vasprintf)                                                                                   \
    X(asprintf)                                                                                    \
    X(vasprintf_l)                                                                                 \
    X(asprintf_l)                                                                                  \
    X(realpath)                                                                                    \
    X(getcwd)                                                                                      \
    X(getdelim)                                                                                    \
    X(getline)

#define SCRATCH_TUPLE(name) SCRATCH_INTERPOSE(interposed::name, ::name),
SCRATCH_INTERPOSITIONS(interposed_strings) = {SCRATCH_INTERPOSED(SCRATCH_TUPLE)};
