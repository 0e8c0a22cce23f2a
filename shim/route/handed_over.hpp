// libc's functions that make a block deep inside and hand it to their caller. A look at who calls
// malloc cannot tell their blocks from those that libc keeps (a conversion of wide text loads
// tables on its way). So the next function does its work, and what it hands over moves to the
// region of the caller where there is one.
#pragma once

#include <cstdarg>
#include <cstddef>

#include "shim/route/origin.hpp"

namespace scratch::shim {

int print_to_new(char **result, const char *format, std::va_list arguments, origin from) noexcept;
int print_to_new_checked(char **result, int flag, const char *format, std::va_list arguments,
                         origin from) noexcept;
char *resolve_path(const char *path, char *resolved, origin from) noexcept;
char *resolve_file_name(const char *path, origin from) noexcept;
char *current_folder(origin from) noexcept;
char *current_folder(char *buffer, std::size_t size, origin from) noexcept;

} // namespace scratch::shim
