// stdio. Programs only pass FILE on: it is the host's.
#include "names.hpp"

#include <clocale>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

namespace darwin::streams {
namespace {

// Variables there, which hold the pointers.
FILE *input = stdin;
FILE *output = stdout;
FILE *errors_of_program = stderr;

// Of a locale: "C"'s, which is all that this loader has.
int print_into(char *buffer, std::size_t size, void *, const char *text, ...) {
    va_list more;
    va_start(more, text);
    const int result = vsnprintf(buffer, size, text, more);
    va_end(more);
    return result;
}

int scan(const char *from, void *, const char *text, ...) {
    va_list more;
    va_start(more, text);
    const int result = vsscanf(from, text, more);
    va_end(more);
    return result;
}

// Position is 8 bytes there and 16 here.
int get_position(FILE *file, std::int64_t *position) {
    *position = ftello(file);
    return *position < 0 ? -1 : 0;
}
int set_position(FILE *file, const std::int64_t *position) {
    return fseeko(file, *position, SEEK_SET);
}

// _IOFBF and the others have the same numbers, BUFSIZ does not.
void set_buffer(FILE *file, char *buffer) {
    setvbuf(file, buffer, buffer != nullptr ? _IOFBF : _IONBF, 1024);
}

int lock_free_get(FILE *file) { return getc_unlocked(file); }

} // namespace
} // namespace darwin::streams

namespace darwin::system {

std::span<const entry> stream_names() {
    using namespace darwin::streams;
    static const entry names[] = {
        variable("__stdinp", input),
        variable("__stdoutp", output),
        variable("__stderrp", errors_of_program),
        function("snprintf_l", print_into),
        function("sscanf_l", scan),
        function("fgetpos", get_position),
        function("fsetpos", set_position),
        function("setbuf", set_buffer),
        function("__srget", lock_free_get),
    };
    return names;
}

} // namespace darwin::system
