#include "shim/hook/targets.hpp"

#include <cstdlib>
#include <cstring>

#include "shim/observe/log.hpp"
#include "shim/route/dynamic_symbols.hpp"

namespace scratch::shim {

namespace {

// The program stands before the hook object in every search, so a call that came to the stub is
// not meant for it; the kernel's object is in no search.
bool can_be_next(const dl_phdr_info &object) noexcept {
    const char *path = object.dlpi_name;
    if (path == nullptr || path[0] == '\0' || std::strncmp(path, "linux-vdso", 10) == 0)
        return false;
    return !contains(object, hook_entries().data()) &&
           !contains(object, reinterpret_cast<const void *>(&find_target));
}

struct definition {
    std::uintptr_t address = 0;
    bool foreign = false; // in another module than the user named
};

definition find_next_definition(const hook_entry &entry, bool all_are_global) noexcept {
    const char *name = entry.text(entry.name);
    const char *version = entry.text(entry.version);
    const char *module = entry.text(entry.module);
    definition found;
    for_each_object([&](const dl_phdr_info &object) {
        if (!can_be_next(object)) return false;
        const std::uintptr_t address = find_function(object, name, version);
        if (address == 0) return false;
        const bool foreign = module != nullptr && !is_module(object, module);
        if (found.address == 0 || (found.foreign && !foreign)) found = {address, foreign};
        // Among objects that were opened later, some may be nobody's but their opener's: the one
        // that was named is the best guess.
        return all_are_global || !foreign;
    });
    return found;
}

bool nothing_was_opened() noexcept { return runtime_changes.load(std::memory_order_relaxed) == 1; }

bool has_target(const hook_entry &entry) noexcept {
    return entry.kind != hook_kind::instrumented || entry.offset == 0;
}

bool look_for_target(hook_entry &entry) noexcept {
    const std::uint32_t now = runtime_changes.load(std::memory_order_relaxed);
    const bool at_start = nothing_was_opened();
    const definition found = find_next_definition(entry, at_start);
    if (found.address == 0) return false;
    entry.foreign.store(found.foreign, std::memory_order_relaxed);
    entry.found.store(found.address, std::memory_order_relaxed);
    entry.found_at.store(at_start ? 0 : now, std::memory_order_release);
    if (at_start && !found.foreign) entry.target.store(found.address, std::memory_order_release);
    return true;
}

} // namespace

void find_targets_at_start() noexcept {
    for (hook_entry &entry : hook_entries())
        if (has_target(entry)) look_for_target(entry);
}

std::uint64_t find_target(hook_entry &entry) noexcept {
    if (const std::uint64_t known = known_target(entry); known != 0) return known;
    if (!look_for_target(entry)) {
        log_raw("%s() was called, but no loaded library defines it: %s", entry.text(entry.name),
                "give its module with --region 'MODULE!FUNCTION', or leave the option out");
        std::abort();
    }
    return entry.found.load(std::memory_order_relaxed);
}

} // namespace scratch::shim
