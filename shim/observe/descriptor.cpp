#include "shim/observe/descriptor.hpp"

#include <cerrno>

#include "shim/observe/descriptor_system.hpp"

namespace scratch::shim {

bool write_whole(int descriptor, std::string_view bytes) noexcept {
    const without_write_signals quiet;
    bool waited = false;
    while (!bytes.empty()) {
        const long written = write_some(descriptor, bytes);
        if (written > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (written == -EAGAIN && !waited) {
            wait_until_writable(descriptor);
            waited = true;
        } else if (written != -EINTR) {
            return false;
        }
    }
    return true;
}

bool write_whole_at(int descriptor, std::string_view bytes, std::int64_t offset) noexcept {
    const without_write_signals quiet;
    while (!bytes.empty()) {
        const long written = write_some_at(descriptor, bytes, offset);
        if (written == -EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
        offset += written;
    }
    return true;
}

file_identity identity_from(long result, const struct stat &status) noexcept {
    file_identity found;
    if (result != 0) return found;
    found.device = static_cast<std::uint64_t>(status.st_dev);
    found.node = status.st_ino;
    found.owner = status.st_uid;
    found.exists = true;
    found.regular = S_ISREG(status.st_mode);
    found.folder = S_ISDIR(status.st_mode);
    return found;
}

} // namespace scratch::shim
