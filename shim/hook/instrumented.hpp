// Functions of programs that were built with -finstrument-functions: such a program tells of each
// call by __cyg_profile_func_enter and _exit, with the function's address. Which addresses are
// hooked is looked up in a table made from the objects that are loaded.
#pragma once

#include <atomic>
#include <cstdint>

#include "shim/hook/table.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

inline constexpr std::size_t instrumented_places = 1024;

struct instrumented_place {
    std::atomic<std::uintptr_t> function;
    std::atomic<hook_entry *> entry;
};
struct instrumented_functions {
    std::atomic<std::uint32_t> read_at; // the count of dlopens when the objects were looked through
    instrumented_place places[instrumented_places];
};
// Null before the first look.
extern std::atomic<instrumented_functions *> instrumented_now __attribute__((visibility("hidden")));

[[gnu::always_inline]] inline bool are_instrumented_known() noexcept {
    const instrumented_functions *now = instrumented_now.load(std::memory_order_acquire);
    return now != nullptr && now->read_at.load(std::memory_order_relaxed) ==
                                 runtime_changes.load(std::memory_order_relaxed);
}

[[gnu::always_inline]] inline std::size_t first_place_of(std::uintptr_t function) noexcept {
    return (function >> 4) * 0x9e3779b97f4a7c15 >> 54;
}
static_assert(instrumented_places == std::size_t{1} << (64 - 54));

// The entry of a hooked function, null for all others. After are_instrumented_known.
[[gnu::always_inline]] inline hook_entry *find_instrumented(std::uintptr_t function) noexcept {
    const instrumented_functions *now = instrumented_now.load(std::memory_order_acquire);
    for (std::size_t at = first_place_of(function);; ++at) {
        const instrumented_place &place = now->places[at % instrumented_places];
        const std::uintptr_t there = place.function.load(std::memory_order_acquire);
        if (there == 0) return nullptr;
        if (there != function) continue;
        hook_entry *entry = place.entry.load(std::memory_order_acquire);
        // Else another thread fills the table for a later dlopen.
        if (place.function.load(std::memory_order_relaxed) == function) return entry;
    }
}

// Looks through the loaded objects. Under the inside word; false while another thread does.
bool learn_instrumented() noexcept;

// The same entry, found slowly, for those who do not wait for that thread.
hook_entry *look_for_instrumented(std::uintptr_t function) noexcept;

// A forked child has no thread that could be looking through them.
void forget_instrumented_reader() noexcept;

// Whether an exception is on its way on this thread: gcc tells of the end of a function that one
// leaves, too, and what is allocated in it may belong to the exception. Where the C++ runtime shows
// nobody how many there are (linked statically), true if any can be.
bool exception_passes() noexcept;

// Whether an entry is that of __cyg_profile_func_exit.
[[gnu::always_inline]] inline bool is_instrumented_exit(const hook_entry *entry) noexcept {
    // The two names differ in the letter behind "__cyg_profile_func_".
    return entry->text(entry->name)[19] == 'e' && entry->text(entry->name)[20] == 'x';
}

} // namespace scratch::shim
