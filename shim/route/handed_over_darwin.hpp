// What macOS has beside the functions of handed_over.hpp that Linux serves otherwise: there the
// range of libc's own code tells whose blocks these are.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdio>

#include <xlocale.h>

#include "shim/route/origin.hpp"

namespace scratch::shim {

// vasprintf_l.
int print_to_new(char **result, locale_t locale, const char *format, std::va_list arguments,
                 origin from) noexcept;
// getdelim: the line's block is the caller's, old or new.
ssize_t read_until(char **line, std::size_t *capacity, int end, FILE *file, origin from) noexcept;
// getcwd.
char *working_folder(char *into, std::size_t size, origin from) noexcept;

} // namespace scratch::shim
