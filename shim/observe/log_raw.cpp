#include "shim/observe/descriptor.hpp"
#include "shim/observe/log.hpp"
#include "shim/observe/plain_text.hpp"

#include <unistd.h>

namespace scratch::shim {

void log_raw(const char *format, ...) noexcept {
    fixed_text<1024> line;
    line.add("scratch: ");
    va_list arguments;
    va_start(arguments, format);
    line.format_list(format, arguments);
    va_end(arguments);
    line.end_with("\n");
    write_whole(STDERR_FILENO, line.view());
}

} // namespace scratch::shim
