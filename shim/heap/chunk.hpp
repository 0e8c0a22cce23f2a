// A chunk: an aligned piece of the reservation that belongs to one thread's heap and to one region.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/heap/block.hpp"

namespace scratch::shim {

struct thread_heap;

inline constexpr std::size_t chunk_size = std::size_t{64} << 10;
// A larger request gets chunks of its own: half a chunk, so that a chunk's lost end stays bounded
// by that.
inline constexpr std::size_t largest_small_block = chunk_size / 2;
enum class chunk_use : std::uint8_t { unused, open, retired, large };

struct alignas(64) chunk {
    thread_heap *owner; // whose thread counts its frees; null while nobody has it
    // Settled when the chunk retires: bytes handed out, and bytes of them in live blocks.
    std::uint32_t live;
    std::uint32_t used;
    chunk *next; // in the list of its region, or of its heap's retired chunks, or of large blocks
    chunk *previous;
    std::uint32_t region; // serial of the region it was taken for; 0 outside regions
    chunk_use use;
    bool trusted;           // held outside the budget
    bool brief;             // its blocks are brief ones
    bool zeroed;            // large: the pages are fresh from the system
    bool examined;          // adaptive mode has looked at who keeps it
    bool settled;           // retired: live says what lives, so its last free gives it back
    std::uint32_t span;     // chunks in a row; 1 unless large
    std::size_t large_size; // bytes that the program may use, where use is large
    // Retired: a freed block whose hole was not noted above it then, see settle_first. Null: none.
    block *unnoted;

    std::uintptr_t begin() const noexcept { return reinterpret_cast<std::uintptr_t>(this + 1); }
    // Blocks end at least 16 bytes before the chunk does: a hole writes its size into the header
    // that would stand above it.
    std::uintptr_t limit() const noexcept {
        return reinterpret_cast<std::uintptr_t>(this) + chunk_size - sizeof(block);
    }
};
static_assert(sizeof(chunk) == 64);

// A block's sizes in the chunk that it stands in, and what stands above it, whatever became of it.
inline std::uint32_t size_in(const chunk &home, const block &b) noexcept {
    return home.brief ? b.brief_size() : b.size;
}
inline std::uint32_t payload_size_in(const chunk &home, const block &b) noexcept {
    return home.brief ? b.brief_payload_size() : b.payload_size();
}
inline block *above_in(const chunk &home, block &b) noexcept {
    return reinterpret_cast<block *>(reinterpret_cast<char *>(&b) + size_in(home, b));
}
inline std::uint32_t site_in(const chunk &home, block &b) noexcept {
    if (!home.brief) return b.site;
    return (b.brief_word & brief_with_site) != 0 ? b.site_of_brief() : 0;
}

struct walk {
    block *found;        // where the walk was stopped; null: nowhere
    std::uintptr_t here; // how far the headers led: to the end, unless one was overwritten
};

// From block to block, from the chunk's beginning to `end`, until `stop(block &)` is true.
template <typename Stop>
[[gnu::always_inline]] inline walk walk_blocks(const chunk &home, std::uintptr_t end,
                                               Stop &&stop) noexcept {
    std::uintptr_t here = home.begin();
    while (here < end) {
        block &at = *reinterpret_cast<block *>(here);
        const std::uint32_t size = size_in(home, at);
        if (size < sizeof(block) || size % sizeof(block) != 0 || size > end - here) break;
        if (stop(at)) return {&at, here};
        here = reinterpret_cast<std::uintptr_t>(above_in(home, at));
    }
    return {nullptr, here};
}

inline chunk *chunk_of(const void *address) noexcept {
    return reinterpret_cast<chunk *>(reinterpret_cast<std::uintptr_t>(address) & ~(chunk_size - 1));
}

} // namespace scratch::shim
