#include "shim/lifecycle/preload_list.hpp"

#include "shim/observe/descriptor.hpp"

#include <cstring>
#include <dlfcn.h>
#include <string_view>

namespace scratch::shim {

namespace {

constexpr std::string_view separators = " :";

std::string_view without_folder(std::string_view path) noexcept {
    const std::size_t slash = path.rfind('/');
    if (slash != path.npos) path.remove_prefix(slash + 1);
    return path;
}

bool is_own(std::string_view entry, const char *own_path, const file_identity &own) noexcept {
    if (entry == own_path) return true;
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
        std::size_t size = rest.find_first_of(separators);
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

const char *path_of_own_object() noexcept {
    const kept_errno keep;
    Dl_info found;
    if (::dladdr(reinterpret_cast<void *>(&path_of_own_object), &found) == 0) return nullptr;
    return found.dli_fname;
}

} // namespace scratch::shim
