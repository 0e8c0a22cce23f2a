#include "shim/hook/table.hpp"

#include <cstring>

// Defined by the hook object, which stands before the shim in the search; null where there is none.
extern "C" [[gnu::weak]] scratch::shim::hook_table scratch_hooks_v1;

namespace scratch::shim {

namespace {

hook_table *table() noexcept {
    hook_table *found = &scratch_hooks_v1;
    if (found == nullptr || std::memcmp(found->magic, "SCRHOOK1", sizeof found->magic) != 0 ||
        found->version != 1 || found->entry_size != sizeof(hook_entry))
        return nullptr;
    return found;
}

} // namespace

std::span<hook_entry> hook_entries() noexcept {
    hook_table *found = table();
    if (found == nullptr || found->first_entry == 0) return {};
    return {reinterpret_cast<hook_entry *>(reinterpret_cast<char *>(found) + found->first_entry),
            found->entry_count};
}

std::span<const hook_exclusion> hook_exclusions() noexcept {
    const hook_table *found = table();
    if (found == nullptr || found->first_exclusion == 0) return {};
    return {reinterpret_cast<const hook_exclusion *>(reinterpret_cast<const char *>(found) +
                                                     found->first_exclusion),
            found->exclusion_count};
}

} // namespace scratch::shim
