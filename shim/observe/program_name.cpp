#include "shim/observe/program_name.hpp"

namespace scratch::shim {

std::string_view program_name::without_folder(std::string_view path) noexcept {
    const std::size_t slash = path.rfind('/');
    if (slash != path.npos) path.remove_prefix(slash + 1);
    return path;
}

std::string_view program_name::name() const noexcept {
    if (!path_.empty()) return without_folder(path_);
    return started_by_.empty() ? std::string_view("unknown") : started_by_;
}

bool program_name::is(std::string_view wanted) const noexcept {
    return !wanted.empty() &&
           (wanted == path_ || wanted == without_folder(path_) || wanted == started_by_);
}

} // namespace scratch::shim
