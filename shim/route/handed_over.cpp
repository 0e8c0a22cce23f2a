#include "shim/route/handed_over.hpp"

#include "shim/next/next_function.hpp"
#include "shim/route/moved_to_region.hpp"

namespace scratch::shim {

namespace {

constinit next_function<int (*)(char **, const char *, std::va_list)> next_vasprintf("vasprintf");
constinit next_function<int (*)(char **, int, const char *, std::va_list)>
    next_vasprintf_chk("__vasprintf_chk");
constinit next_function<char *(*)(const char *, char *)> next_realpath("realpath", "GLIBC_2.3");
constinit next_function<char *(*)(const char *)> next_file_name("canonicalize_file_name");
constinit next_function<char *(*)()> next_current_folder("get_current_dir_name");
constinit next_function<char *(*)(char *, std::size_t)> next_folder_into("getcwd");

} // namespace

int print_to_new(char **result, const char *format, std::va_list arguments, origin from) noexcept {
    const int length = next_vasprintf.get()(result, format, arguments);
    if (length >= 0) *result = move_to_region(*result, static_cast<std::size_t>(length) + 1, from);
    return length;
}

int print_to_new_checked(char **result, int flag, const char *format, std::va_list arguments,
                         origin from) noexcept {
    const int length = next_vasprintf_chk.get()(result, flag, format, arguments);
    if (length >= 0) *result = move_to_region(*result, static_cast<std::size_t>(length) + 1, from);
    return length;
}

char *resolve_path(const char *path, char *resolved, origin from) noexcept {
    char *made = next_realpath.get()(path, resolved);
    return resolved == nullptr ? move_text_to_region(made, from) : made;
}

char *resolve_file_name(const char *path, origin from) noexcept {
    return move_text_to_region(next_file_name.get()(path), from);
}

char *current_folder(origin from) noexcept {
    return move_text_to_region(next_current_folder.get()(), from);
}

char *current_folder(char *buffer, std::size_t size, origin from) noexcept {
    char *made = next_folder_into.get()(buffer, size);
    return buffer == nullptr ? move_text_to_region(made, from) : made;
}

} // namespace scratch::shim
