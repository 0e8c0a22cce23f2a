// Blocks under check: where they are placed, what happens when they are freed, and what the end of
// a trusted scope does to them.
//
// Small blocks stand side by side on pages of their thread and scope, which are closed when nothing
// on them lives any more, or their scope ends. A sample of them, and all large ones, stand at the
// end of pages of their own, before a closed one: their overflow is seen as it happens, and their
// free closes them at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/check/records.hpp"
#include "shim/check/traces.hpp"

namespace scratch::shim {
struct thread_heap;
}

namespace scratch::shim::check {

// What a call frees with decides what it may free.
enum class freer : std::uint8_t { free, realloc, scalar_delete, array_delete };

struct request {
    std::size_t size;
    std::size_t alignment = 16; // a power of two
    maker by = maker::malloc;
};

// A zeroed block; null where the call shall go to the next allocator: no room, or the shim was
// interrupted.
void *allocate_block(const request &wanted) noexcept;

// From now on all calls go to the next allocator. False where that was so before.
bool check_no_more() noexcept;

struct freeing {
    freer by = freer::free;
    bool sized = false;
    std::size_t size = 0;
};

// Frees a block, and reports what is wrong with that. False where the address is not ours and the
// next allocator is to be asked.
bool free_block(void *payload, const freeing &how) noexcept;

// Tells what was written into freed blocks on pages that are about to be closed.
void examine_before_close(page_number first, page_number pages) noexcept;

// Looks at the canaries of all blocks that live, and at what was written into freed ones; tells
// what lives where that was asked for. At the end of the process.
void examine_all() noexcept;

// --- for the regions, under the inside word ------------------------------------------------------

// Keeps the text that belongs to a region's name, for reports.
void note_scope_name(std::uint64_t hash, const char *text) noexcept;
const char *scope_name(std::uint64_t hash) noexcept;

// The innermost region of the heap begins: what is allocated from here on is its own, if trusted.
void begin_scope(thread_heap *heap) noexcept;

// It ends. Exact and trusted: all its pages are closed. Else its blocks live on, in the nearest
// trusted region around it, or outside all.
void end_scope(thread_heap *heap, bool trusted) noexcept;

} // namespace scratch::shim::check
