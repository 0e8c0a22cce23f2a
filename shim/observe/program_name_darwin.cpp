#include "shim/observe/program_name.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <mach-o/dyld.h>

#include "shim/observe/without_folder.hpp"

namespace scratch::shim {

program_name::program_name() noexcept {
    std::uint32_t size = sizeof room_;
    // A path by which the program was found, not always the file's own; nothing where it is longer.
    if (_NSGetExecutablePath(room_, &size) == 0) path_ = {room_, std::strlen(room_)};
    if (const char *known = getprogname()) started_by_ = without_folder(known);
}

} // namespace scratch::shim
