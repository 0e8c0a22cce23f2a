#include "shim/observe/program_name.hpp"

#include "shim/observe/without_folder.hpp"

namespace scratch::shim {

std::string_view program_name::name() const noexcept {
    if (!path_.empty()) return without_folder(path_);
    return started_by_.empty() ? std::string_view("unknown") : started_by_;
}

bool program_name::is(std::string_view wanted) const noexcept {
    return !wanted.empty() &&
           (wanted == path_ || wanted == without_folder(path_) || wanted == started_by_);
}

} // namespace scratch::shim
