#include "shim/region/caller_of_site.hpp"

#include <mach-o/dyld.h>
#include <mach-o/loader.h>

namespace scratch::shim {

std::uintptr_t caller_of_site(std::uint32_t site) noexcept {
    for (std::uint32_t i = 0, count = _dyld_image_count(); i < count; ++i) {
        const mach_header *const header = _dyld_get_image_header(i);
        if (header == nullptr) continue;
        const auto slide = static_cast<std::uintptr_t>(_dyld_get_image_vmaddr_slide(i));
        const auto *command = reinterpret_cast<const load_command *>(
            reinterpret_cast<const mach_header_64 *>(header) + 1);
        for (std::uint32_t c = 0; c < header->ncmds; ++c) {
            const auto *segment = reinterpret_cast<const segment_command_64 *>(command);
            if (command->cmd == LC_SEGMENT_64 && (segment->initprot & VM_PROT_EXECUTE) != 0) {
                const std::uintptr_t begin = segment->vmaddr + slide;
                const std::uintptr_t into = static_cast<std::uint32_t>(site - begin);
                // The byte behind it too: its last instruction may be the call.
                if (into <= segment->vmsize) return begin + into;
            }
            command = reinterpret_cast<const load_command *>(
                reinterpret_cast<const char *>(command) + command->cmdsize);
        }
    }
    return 0;
}

} // namespace scratch::shim
