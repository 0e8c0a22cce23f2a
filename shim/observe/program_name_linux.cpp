#include "shim/observe/program_name.hpp"

#include "shim/observe/descriptor.hpp"
#include "shim/observe/without_folder.hpp"

#include <cerrno> // program_invocation_name
#include <sys/auxv.h>

namespace scratch::shim {

program_name::program_name() noexcept {
    path_ = read_link("/proc/self/exe", room_, sizeof room_);
    if (path_.size() == sizeof room_) path_ = {}; // cut
    // The kernel started a loader by hand, whose file that is.
    if (getauxval(AT_BASE) == 0 && program_invocation_name != nullptr)
        path_ = program_invocation_name;
    // What the kernel adds where the file was replaced while it ran, as in an upgrade.
    constexpr std::string_view replaced = " (deleted)";
    if (path_.ends_with(replaced)) path_.remove_suffix(replaced.size());
    if (program_invocation_name != nullptr) started_by_ = without_folder(program_invocation_name);
}

} // namespace scratch::shim
