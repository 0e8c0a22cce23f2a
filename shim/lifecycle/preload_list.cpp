#include "shim/lifecycle/preload_list.hpp"

#include "core/kept_errno.hpp"
#include "shim/lifecycle/preload_variable.hpp"
#include "shim/observe/descriptor.hpp"
#include "shim/observe/without_folder.hpp"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <string_view>

namespace scratch::shim {

namespace {

// Of no use without us (check/seam.hpp).
constexpr std::string_view object_of_check = "libscratch-check.so";

bool is_hook_object(std::string_view entry) noexcept {
    constexpr std::string_view begin = "hooks-";
    constexpr std::string_view end = ".so";
    constexpr std::size_t digits = 64;
    const std::string_view name = without_folder(entry);
    return name.size() == begin.size() + digits + end.size() && name.starts_with(begin) &&
           name.ends_with(end) &&
           name.substr(begin.size(), digits).find_first_not_of("0123456789abcdef") == name.npos;
}

bool is_own(std::string_view entry, const char *own_path, const file_identity &own) noexcept {
    // A hook object needs this library, and would bring it back.
    if (entry == own_path || is_hook_object(entry)) return true;
    if (without_folder(entry) == object_of_check) return true;
    const bool searched = entry.find('/') == entry.npos;
    const bool has_token = entry.find('$') != entry.npos;
    if (searched || has_token) return without_folder(entry) == without_folder(own_path);
    char path[4096];
    if (entry.size() >= sizeof path) return false;
    std::memcpy(path, entry.data(), entry.size());
    path[entry.size()] = 0;
    return identify_target(path).same_file(own);
}

} // namespace

std::size_t remove_preload_entry(char *list, const char *own_path) noexcept {
    const file_identity own = identify_target(own_path);
    std::size_t removed = 0;
    char *at = list;
    while (*at != 0) {
        const std::string_view rest(at);
        std::size_t size = rest.find_first_of(preload_separators);
        if (size == rest.npos) size = rest.size();
        if (size == 0 || !is_own(rest.substr(0, size), own_path, own)) {
            at += size;
            if (*at != 0) ++at;
            continue;
        }
        // The separator behind it goes too, or the one before it where it was the last.
        std::size_t gone = size;
        if (at[size] != 0)
            ++gone;
        else if (at != list) {
            --at;
            ++gone;
        }
        std::memmove(at, at + gone, std::strlen(at + gone) + 1);
        ++removed;
    }
    return removed;
}

bool has_hook_object(const char *list) noexcept {
    std::string_view rest(list);
    while (!rest.empty()) {
        const std::size_t size = std::min(rest.find_first_of(preload_separators), rest.size());
        if (is_hook_object(rest.substr(0, size))) return true;
        rest.remove_prefix(std::min(size + 1, rest.size()));
    }
    return false;
}

const char *path_of_own_object() noexcept {
    const kept_errno keep;
    Dl_info found;
    if (::dladdr(reinterpret_cast<void *>(&path_of_own_object), &found) == 0) return nullptr;
    return found.dli_fname;
}

} // namespace scratch::shim
