// The range of addresses that blocks under check come from: pages are handed out, closed when what
// lay on them is given back, and not used again while the quarantine lasts.
//
// Pages are named by their number in the range; number 0 is never handed out. What is written here
// about pages stays readable while the pages themselves are closed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace scratch::shim::check {

using page_number = std::uint32_t;
using trace_id = std::uint32_t;

enum class page_state : std::uint8_t {
    unused,   // closed; never used, or out of the quarantine
    guard,    // closed; behind a block
    closed,   // in the quarantine, contents kept
    dropped,  // out of the quarantine, and its scope still open: not to be used again yet
    open,     // in use
    spare,    // accessible, empty, free to be used: let go to save mappings
    reopened, // closed once, used and reported since
};

constexpr bool is_accessible(page_state state) noexcept { return state >= page_state::open; }

struct page_words {
    std::atomic<std::uint16_t> live; // blocks on it that live, and one while more may come
    bool in_scope;                   // of a trusted scope that is open
    trace_id ended;                  // where the scope of its blocks ended, 0: it did not
    page_number run;                 // first of a run: its pages
    page_number link;                // first of a run: the next run of the same scope
    page_number back;                // in a run with a single block: pages to its first
};

// The range itself, set once.
struct arena_words {
    std::uintptr_t base = std::uintptr_t{1} << 63;
    std::size_t size = 0;
    std::uint32_t page_shift = 12;
    page_words *pages = nullptr;
    std::atomic<page_state> *states = nullptr;
    char *records = nullptr;
};
extern arena_words arena __attribute__((visibility("hidden")));

inline bool in_arena(const void *address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address) - arena.base < arena.size;
}
inline std::size_t page_bytes() noexcept { return std::size_t{1} << arena.page_shift; }
inline page_number page_of(std::uintptr_t address) noexcept {
    return static_cast<page_number>((address - arena.base) >> arena.page_shift);
}
inline std::uintptr_t address_of(page_number page) noexcept {
    return arena.base + (std::uintptr_t{page} << arena.page_shift);
}
inline page_state state_of(page_number page) noexcept {
    return arena.states[page].load(std::memory_order_relaxed);
}

// Takes the range and what describes it. False where there is no room.
bool open_arena() noexcept;

// `count` pages in a row, accessible and zero, with `guards` closed ones behind them (fewer where
// mappings are short). 0 where the range or memory is used up.
page_number take_pages(page_number count, page_number guards) noexcept;

// Puts those of `count` pages that are open, or guards, into the quarantine, which lets go of its
// oldest.
void close_pages(page_number first, page_number count) noexcept;

// Marks pages as of a trusted scope that is open, or no longer.
void hold_for_scope(page_number first, page_number count, bool hold) noexcept;

// Makes closed pages accessible, for a program that goes on after a report. Contents that left the
// quarantine read as zero.
void reopen_pages(page_number first, page_number count) noexcept;

// Whether more blocks may have pages of their own: their guards cut the range into mappings.
bool has_mappings_left() noexcept;

// Pages ever handed out lie below this one.
page_number highest_page() noexcept;

} // namespace scratch::shim::check
