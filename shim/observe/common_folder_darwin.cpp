// The user's own folder for temporary files, which the system makes and tells.
#include "shim/observe/common_folder.hpp"
#include "shim/observe/descriptor.hpp"

#include <cstddef>
#include <unistd.h>

namespace scratch::shim {

const char *common_folder() noexcept {
    static constinit char path[1024] = {};
    if (path[0] == 0) {
        const std::size_t size = ::confstr(_CS_DARWIN_USER_TEMP_DIR, path, sizeof path);
        if (size == 0 || size > sizeof path) path[0] = 0;
    }
    const file_identity found = identify_target(path);
    return path[0] == '/' && found.folder && found.owner == this_user() ? path : nullptr;
}

} // namespace scratch::shim
