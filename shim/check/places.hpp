// Pages as a thread fills them: a window of pages for small blocks, runs of pages for single ones,
// and the runs of each open trusted scope.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "shim/check/arena.hpp"
#include "shim/check/blocks.hpp"
#include "shim/region/region.hpp"

namespace scratch::shim::check {

// What a thread's heap has beside it in mode check; adopted with the heap. Only its owner touches
// it.
struct places {
    std::uintptr_t top; // where the next small block may begin
    std::uintptr_t end;
    page_number segment; // where the pages of the present scope begin in the window
    std::uint32_t scope; // whose pages: depth of the trusted region plus one, 0 outside
    std::array<page_number, deepest_region + 1> runs; // of each open scope, linked
};

// Of the calling thread, which must have a heap.
places &own_places(const thread_heap *heap) noexcept;

bool open_places() noexcept;

// The depth plus one of the innermost trusted region that is open and serves the stack of a call
// from there; 0: none.
std::uint32_t innermost_scope(const thread_heap *heap, std::uintptr_t stack_pointer) noexcept;

// Null where there is no room. The record is filled but for traces.
record *place_small(places &at, const request &wanted, std::uint32_t scope) noexcept;
record *place_alone(places &at, const request &wanted, std::uint32_t scope) noexcept;

// Takes a dead block off its pages, and closes those that nothing lives on.
void leave_pages(const record &of) noexcept;

// Keeps a page open on which something lives, so that it can be read while other threads free;
// false where nothing does, since somebody closes it. It is closed by who lets go of it last.
bool hold_page(page_number page) noexcept;
void let_go_of_page(page_number page) noexcept;

// Ends the segment of the window that the scope has begun, so that all its pages are in its list.
void finish_segment(places &at) noexcept;

// Calls `visit(first, count)` for each run of the scope, and forgets them.
template <typename Visit>
void drain_runs(places &at, std::uint32_t scope, Visit &&visit) noexcept {
    page_number first = at.runs[scope];
    at.runs[scope] = 0;
    while (first != 0) {
        const page_number next = arena.pages[first].link;
        const page_number count = arena.pages[first].run;
        visit(first, count);
        first = next;
    }
}

void link_run(places &at, std::uint32_t scope, page_number first) noexcept;

} // namespace scratch::shim::check
