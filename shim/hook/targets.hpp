// Where a hooked call goes on: the next definition of its function behind the hook object and the
// shim, in whatever module that is.
#pragma once

#include "shim/hook/table.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

// Finds the targets of all entries that have one by now.
void find_targets_at_start() noexcept;

struct definition {
    std::uintptr_t address = 0;
    bool foreign = false; // in another module than the user named: the call only goes on
    bool several = false; // other objects define it, too
};

// In the entry's `found`.
inline constexpr std::uint64_t is_foreign = std::uint64_t{1} << 63;

// Where the entry's calls go on, if that is known: it was found in an object loaded with the
// program, or no dlopen was called since. Address 0 otherwise.
[[gnu::always_inline]] inline definition known_definition(const hook_entry &entry) noexcept {
    const std::uint64_t target = entry.target.load(std::memory_order_acquire);
    if (target != 0) return {target};
    const std::uint32_t found_at = entry.found_at.load(std::memory_order_acquire);
    const std::uint64_t found = entry.found.load(std::memory_order_acquire);
    const bool lasts = found_at == 0 || found_at == runtime_changes.load(std::memory_order_relaxed);
    // Another thread may have noted a newer one between the two.
    if (!lasts || entry.found_at.load(std::memory_order_relaxed) != found_at) return {};
    return {found & ~is_foreign, (found & is_foreign) != 0};
}

// A forked child has no thread that could be noting a definition.
void forget_who_notes_definitions() noexcept;

// The target of a call that returns to `caller`, found if need be. Where several libraries in
// scopes of their own define the function it is the one that the caller's library reaches; where
// that cannot be told the first one, and a sentence says so. Stops the program with a sentence
// where nobody defines it.
definition find_target(hook_entry &entry, std::uintptr_t caller) noexcept;

} // namespace scratch::shim
