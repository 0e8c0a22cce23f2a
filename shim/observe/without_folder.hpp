// What a path is called without its folder.
#pragma once

#include <string_view>

namespace scratch::shim {

constexpr std::string_view without_folder(std::string_view path) noexcept {
    const std::size_t slash = path.rfind('/');
    if (slash != path.npos) path.remove_prefix(slash + 1);
    return path;
}
// A part of the same text, so it ends where that does.
constexpr const char *without_folder(const char *path) noexcept {
    return without_folder(std::string_view(path)).data();
}

} // namespace scratch::shim
