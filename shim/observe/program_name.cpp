#include "shim/observe/program_name.hpp"

#include "shim/observe/descriptor.hpp"

#include <cerrno> // program_invocation_name

namespace scratch::shim {

namespace {

std::string_view without_folder(std::string_view path) noexcept {
    const std::size_t slash = path.rfind('/');
    if (slash != path.npos) path.remove_prefix(slash + 1);
    return path;
}

} // namespace

program_name::program_name() noexcept {
    path_ = read_link("/proc/self/exe", room_, sizeof room_);
    if (path_.size() == sizeof room_) path_ = {}; // cut
    // What the kernel adds where the file was replaced while it ran, as in an upgrade.
    constexpr std::string_view replaced = " (deleted)";
    if (path_.ends_with(replaced)) path_.remove_suffix(replaced.size());
    if (program_invocation_name != nullptr) started_by_ = without_folder(program_invocation_name);
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
