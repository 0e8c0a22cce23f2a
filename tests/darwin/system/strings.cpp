// Functions of strings and memory that Linux does not have, and those that hand out memory: it
// comes from the program's malloc, interposed or not.
#include "allocation.hpp"
#include "names.hpp"

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

namespace darwin::strings {
namespace {

void fill_zero(void *memory, std::size_t size) { std::memset(memory, 0, size); }

template <std::size_t Size>
void fill_pattern(void *memory, const void *pattern, std::size_t size) {
    char *to = static_cast<char *>(memory);
    for (; size >= Size; size -= Size, to += Size)
        std::memcpy(to, pattern, Size);
    std::memcpy(to, pattern, size);
}

std::size_t copy_string(char *to, const char *from, std::size_t size) {
    const std::size_t length = strlen(from);
    if (size != 0) {
        const std::size_t copied = length < size ? length : size - 1;
        std::memcpy(to, from, copied);
        to[copied] = 0;
    }
    return length;
}

std::size_t append_string(char *to, const char *from, std::size_t size) {
    const std::size_t before = strnlen(to, size);
    return before == size ? size + strlen(from)
                          : before + copy_string(to + before, from, size - before);
}

char *copy_of(const char *text, std::size_t length) {
    auto *const copy = static_cast<char *>(allocation::interposed_malloc(length + 1));
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

char *duplicate(const char *text) { return copy_of(text, strlen(text)); }
char *duplicate_part(const char *text, std::size_t most) {
    return copy_of(text, strnlen(text, most));
}

wchar_t *duplicate_wide(const wchar_t *text) {
    const std::size_t size = (wcslen(text) + 1) * sizeof(wchar_t);
    void *const copy = allocation::interposed_malloc(size);
    return copy == nullptr ? nullptr : static_cast<wchar_t *>(std::memcpy(copy, text, size));
}

/// Takes the host's block over into one of the program's.
char *handed_over(char *host) {
    if (host == nullptr) return nullptr;
    char *const result = duplicate(host);
    std::free(host);
    return result;
}

int print_allocated(char **result, const char *text, va_list more) {
    char *host = nullptr;
    const int size = vasprintf(&host, text, more);
    *result = nullptr;
    if (size < 0) return size;
    *result = copy_of(host, static_cast<std::size_t>(size));
    std::free(host);
    return *result == nullptr ? -1 : size;
}

int print_new(char **result, const char *text, ...) {
    va_list more;
    va_start(more, text);
    const int size = print_allocated(result, text, more);
    va_end(more);
    return size;
}

int print_allocated_of_locale(char **result, void *, const char *text, va_list more) {
    return print_allocated(result, text, more);
}

int print_new_of_locale(char **result, void *, const char *text, ...) {
    va_list more;
    va_start(more, text);
    const int size = print_allocated(result, text, more);
    va_end(more);
    return size;
}

ssize_t read_until(char **line, std::size_t *size, int end, FILE *file) {
    char *host = nullptr;
    std::size_t host_size = 0;
    const ssize_t length = getdelim(&host, &host_size, end, file);
    if (length >= 0) {
        const auto needed = static_cast<std::size_t>(length) + 1;
        if (*line == nullptr || *size < needed) {
            auto *const bigger = static_cast<char *>(allocation::interposed_realloc(*line, needed));
            if (bigger == nullptr) {
                std::free(host);
                return -1;
            }
            *line = bigger;
            *size = needed;
        }
        std::memcpy(*line, host, needed);
    }
    std::free(host);
    return length;
}

ssize_t read_line(char **line, std::size_t *size, FILE *file) {
    return read_until(line, size, '\n', file);
}

char *real_path(const char *path, char *to) {
    if (to != nullptr) {
        char long_enough[PATH_MAX];
        if (realpath(path, long_enough) == nullptr) return nullptr;
        if (copy_string(to, long_enough, 1024) < 1024) return to;
        errno = ENAMETOOLONG;
        return nullptr;
    }
    return handed_over(realpath(path, nullptr));
}

char *working_folder(char *to, std::size_t size) {
    return to != nullptr ? getcwd(to, size) : handed_over(getcwd(nullptr, 0));
}

int entropy(void *to, std::size_t size) { return getentropy(to, size); }
void random_bytes(void *to, std::size_t size) {
    auto *at = static_cast<char *>(to);
    while (size > 0) {
        const std::size_t part = size < 256 ? size : 256;
        if (getentropy(at, part) != 0) abort();
        at += part;
        size -= part;
    }
}
std::uint32_t random_number() {
    std::uint32_t number = 0;
    random_bytes(&number, sizeof number);
    return number;
}
std::uint32_t random_below(std::uint32_t end) { return end < 2 ? 0 : random_number() % end; }

} // namespace
} // namespace darwin::strings

namespace darwin::system {

std::span<const entry> string_names() {
    using namespace darwin::strings;
    static const entry names[] = {
        function("bzero", fill_zero),
        function("__bzero", fill_zero),
        function("memset_pattern4", fill_pattern<4>),
        function("memset_pattern8", fill_pattern<8>),
        function("memset_pattern16", fill_pattern<16>),
        function("strlcpy", copy_string),
        function("strlcat", append_string),
        function("strdup", duplicate),
        function("wcsdup", duplicate_wide),
        function("strndup", duplicate_part),
        function("asprintf", print_new),
        function("vasprintf", print_allocated),
        function("asprintf_l", print_new_of_locale),
        function("vasprintf_l", print_allocated_of_locale),
        function("getline", read_line),
        function("getdelim", read_until),
        function("realpath", real_path),
        function("getcwd", working_folder),
        function("getentropy", entropy),
        function("arc4random", random_number),
        function("arc4random_uniform", random_below),
        function("arc4random_buf", random_bytes),
    };
    return names;
}

} // namespace darwin::system
