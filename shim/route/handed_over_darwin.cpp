// The system's functions are called by their own names: what an object interposes does not hold for
// itself.
#include "shim/route/handed_over_darwin.hpp"

#include <cstdlib>
#include <unistd.h>

#include "shim/heap/thread_heap.hpp"
#include "shim/route/handed_over.hpp"
#include "shim/route/moved_to_region.hpp"

namespace scratch::shim {

namespace {

int moved_to_region(int length, char **result, origin from) noexcept {
    if (length >= 0) *result = move_to_region(*result, static_cast<std::size_t>(length) + 1, from);
    return length;
}

} // namespace

int print_to_new(char **result, const char *format, std::va_list arguments, origin from) noexcept {
    return moved_to_region(::vasprintf(result, format, arguments), result, from);
}

int print_to_new(char **result, locale_t locale, const char *format, std::va_list arguments,
                 origin from) noexcept {
    return moved_to_region(::vasprintf_l(result, locale, format, arguments), result, from);
}

char *resolve_path(const char *path, char *resolved, origin from) noexcept {
    char *const made = ::realpath(path, resolved);
    return resolved == nullptr ? move_text_to_region(made, from) : made;
}

ssize_t read_until(char **line, std::size_t *capacity, int end, FILE *file, origin from) noexcept {
    const char *const before = line != nullptr ? *line : nullptr;
    // One from outside stays there when it grows, as with realloc.
    const bool may_move = before == nullptr || is_ours(before);
    const ssize_t length = ::getdelim(line, capacity, end, file);
    if (may_move && line != nullptr && *line != nullptr && *line != before)
        *line = move_to_region(*line, *capacity, from);
    return length;
}

char *working_folder(char *into, std::size_t size, origin from) noexcept {
    char *const made = ::getcwd(into, size);
    return into == nullptr ? move_text_to_region(made, from) : made;
}

} // namespace scratch::shim
