#include "shim/hook/targets.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "shim/lifecycle/modules.hpp"
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

definition definition_in(const dl_phdr_info &object, const hook_entry &entry) noexcept {
    if (!can_be_next(object)) return {};
    const char *module = entry.text(entry.module);
    const std::uintptr_t address =
        find_function(object, entry.text(entry.name), entry.text(entry.version));
    return {address, address != 0 && module != nullptr && !is_module(object, module)};
}

definition find_next_definition(const hook_entry &entry, bool all_are_global) noexcept {
    definition first;
    for_each_object([&](const dl_phdr_info &object) {
        const definition its = definition_in(object, entry);
        if (its.address == 0) return false;
        const bool several = first.address != 0 && first.address != its.address;
        // The one that was named is the best guess.
        if (first.address == 0 || (first.foreign && !its.foreign)) first = its;
        first.several |= several;
        return all_are_global;
    });
    return first;
}

// Objects whose calls and definitions are looked at in turn, as the loader does for one that was
// opened in a scope of its own: itself, what it needs, what those need.
struct local_scope {
    static constexpr std::size_t most = 64;
    dl_phdr_info objects[most];
    std::size_t count = 0;

    bool has(const dl_phdr_info &object) const noexcept {
        for (std::size_t i = 0; i < count; ++i)
            if (objects[i].dlpi_phdr == object.dlpi_phdr) return true;
        return false;
    }
    void add_needed_of(const dl_phdr_info &object) noexcept {
        for_each_needed(object, [&](const char *name) {
            for_each_object([&](const dl_phdr_info &other) {
                if (!is_module(other, name)) return false;
                if (count < most && !has(other)) objects[count++] = other;
                return true;
            });
        });
    }
};

// Where several libraries that were opened later define it: what the caller's own library reaches.
definition find_definition_for(const hook_entry &entry, std::uintptr_t caller) noexcept {
    local_scope scope;
    for_each_object([&](const dl_phdr_info &object) {
        if (!contains(object, reinterpret_cast<const void *>(caller))) return false;
        scope.objects[scope.count++] = object;
        return true;
    });
    for (std::size_t i = 0; i < scope.count; ++i) {
        const definition its = definition_in(scope.objects[i], entry);
        if (its.address != 0) return its;
        scope.add_needed_of(scope.objects[i]);
    }
    return {};
}

// A guess is not made in silence.
void tell_guess(const hook_entry &entry) noexcept {
    static constinit std::atomic<bool> told{false};
    const char *name = entry.text(entry.name);
    if (name != nullptr && !told.exchange(true, std::memory_order_relaxed))
        log_raw("several loaded libraries define %s(), and which one is meant by a call is not "
                "known; it may be the wrong one: leave its option out",
                name);
}

bool nothing_was_opened() noexcept { return runtime_changes.load(std::memory_order_relaxed) == 1; }

bool has_target(const hook_entry &entry) noexcept {
    return entry.kind != hook_kind::instrumented || entry.offset == 0;
}

// Stands in `found_at` while `found` is written: a reader that sees either looks for himself.
constexpr std::uint32_t never = UINT32_MAX;

// Of two threads that come at once one notes what it found: two words of two dlopens would be
// taken for one definition.
void note_definition(hook_entry &entry, std::uint64_t found, std::uint32_t found_at) noexcept {
    if (entry.being_noted.exchange(1, std::memory_order_acquire) != 0) return;
    entry.found_at.store(never, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    entry.found.store(found, std::memory_order_relaxed);
    entry.found_at.store(found_at, std::memory_order_release);
    entry.being_noted.store(0, std::memory_order_release);
}

definition look_for_target(hook_entry &entry) noexcept {
    const std::uint32_t now = runtime_changes.load(std::memory_order_relaxed);
    const bool at_start = nothing_was_opened();
    const definition found = find_next_definition(entry, at_start);
    if (found.address == 0) return found;
    // Of several each caller has its own.
    const std::uint64_t noted =
        found.several ? 0 : found.address | (found.foreign ? is_foreign : 0);
    note_definition(entry, noted, at_start ? 0 : now);
    if (at_start && !found.foreign && !found.several)
        entry.target.store(found.address, std::memory_order_release);
    return found;
}

} // namespace

void find_targets_at_start() noexcept {
    for (hook_entry &entry : hook_entries())
        if (has_target(entry)) look_for_target(entry);
}

void forget_who_notes_definitions() noexcept {
    for (hook_entry &entry : hook_entries())
        entry.being_noted.store(0, std::memory_order_relaxed);
}

definition find_target(hook_entry &entry, std::uintptr_t caller) noexcept {
    if (const definition known = known_definition(entry); known.address != 0) return known;
    const definition first = look_for_target(entry);
    if (first.address == 0) {
        log_raw("%s() was called, but no loaded library defines it: %s", entry.text(entry.name),
                "give its module with --region 'MODULE!FUNCTION', or leave the option out");
        std::abort();
    }
    if (!first.several) return first;
    const definition own = find_definition_for(entry, caller);
    // What was opened for all stands before a library's own.
    if (own.address == 0 || opened_for_all()) tell_guess(entry);
    return own.address != 0 ? own : first;
}

} // namespace scratch::shim
