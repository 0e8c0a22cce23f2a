#include "shim/region/caller_of_site.hpp"

#include "shim/route/dynamic_symbols.hpp"

namespace scratch::shim {

std::uintptr_t caller_of_site(std::uint32_t site) noexcept {
    std::uintptr_t found = 0;
    for_each_object([&](const dl_phdr_info &object) {
        for (int i = 0; i < object.dlpi_phnum; ++i) {
            const auto &segment = object.dlpi_phdr[i];
            if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
            const std::uintptr_t begin = object.dlpi_addr + segment.p_vaddr;
            const std::uintptr_t into = static_cast<std::uint32_t>(site - begin);
            // The byte behind it too: its last instruction may be the call.
            if (into <= segment.p_memsz) found = begin + into;
        }
        return found != 0;
    });
    return found;
}

} // namespace scratch::shim
