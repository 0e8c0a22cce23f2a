// A block: the header that stands before each payload on a thread's block stack.
//
// A brief block, as trusted regions have them, has the second half of the header only: what would
// be the first half is the end of the block beneath. Its site, where calls are counted, stands at
// its own end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace scratch::shim {

// Values that neither text nor pointers nor small numbers look like, so that a free of a pointer
// inside a block is found.
enum class block_state : std::uint32_t {
    live = 0x6b1c9e35,     // on the stack, its program has it
    sampled = 0x6b1c9e39,  // the same, and adaptive mode watches when it is freed
    large = 0x6b1c9e3d,    // alone in chunks of its own
    brief = 0x6b1c9e41,    // in a chunk of a trusted region: whoever frees it only marks it
    outlived = 0x6b1c9e45, // was brief, and its region ended otherwise than by a reset
    freed = 0,             // a hole, or popped and not yet overwritten
};

// Set beside a live state by a free that came from another thread or out of a signal handler.
inline constexpr std::uint32_t freed_remotely = 0x80000000;

using word_of_header [[gnu::may_alias]] = std::uint64_t;
using half_word_of_header [[gnu::may_alias]] = std::uint32_t;

// In a brief block's word, beside its size: it has a site. The number is the bytes that this takes.
inline constexpr std::uint32_t brief_with_site = 8;
inline constexpr std::uint32_t brief_header = 8;

// Header of a block just pushed: its state, and no hole beneath.
inline constexpr std::uint64_t live_above_no_hole = static_cast<std::uint64_t>(block_state::live);

struct alignas(16) block {
    // Where these are not the payload of the brief block beneath.
    std::uint32_t size; // of header and payload, in bytes, a multiple of 16; 0 for large
    std::uint32_t site; // low half of the caller's address; the sample's number; the next remotely
                        // freed block

    block_state state;
    union {
        std::uint32_t hole_below; // bytes of freed blocks directly beneath, known when this block's
                                  // turn to pop comes
        std::uint32_t brief_word; // of a brief one: its size, and whether it has a site
    };

    std::uint64_t &size_and_site() noexcept { return *reinterpret_cast<word_of_header *>(this); }
    // State and hole_below as the one word that push writes and pop compares (both systems are
    // little-endian).
    std::uint64_t &state_and_hole() noexcept {
        return *reinterpret_cast<word_of_header *>(reinterpret_cast<char *>(this) + 8);
    }
    void *payload() noexcept { return this + 1; }
    block *above() noexcept {
        return reinterpret_cast<block *>(reinterpret_cast<char *>(this) + size);
    }
    std::uint32_t payload_size() const noexcept {
        return size - static_cast<std::uint32_t>(sizeof(block));
    }

    bool is_brief() const noexcept {
        return state == block_state::brief || state == block_state::outlived;
    }
    // From header to header, a multiple of 16 as well.
    std::uint32_t brief_size() const noexcept { return brief_word & ~std::uint32_t{15}; }
    std::uint32_t &site_of_brief() noexcept {
        return *reinterpret_cast<half_word_of_header *>(reinterpret_cast<char *>(this) +
                                                        brief_size());
    }
    std::uint32_t brief_payload_size() const noexcept {
        return brief_size() - brief_header - (brief_word & brief_with_site);
    }
};
static_assert(sizeof(block) == 16, "payloads keep the 16-byte alignment of their headers");

inline block *block_of(void *payload) noexcept { return static_cast<block *>(payload) - 1; }

// macOS asks each zone for the size of a block to learn whose it is: 0 means not its own. So a
// block of no bytes has some, as the system's have.
#ifdef __APPLE__
inline constexpr std::size_t least_payload = 1;
#else
inline constexpr std::size_t least_payload = 0;
#endif

// Header and payload rounded up to 16 bytes. `size` is far below SIZE_MAX, so nothing wraps.
constexpr std::size_t padded_size(std::size_t size) noexcept {
    return (std::max(size, least_payload) + 31) & ~std::size_t{15};
}
constexpr std::size_t padded_brief_size(std::size_t size) noexcept {
    return (std::max(size, least_payload) + 15 + brief_header) & ~std::size_t{15};
}

// Whether a program has the block: not so for a free that another thread left in the state.
constexpr bool is_live(block_state state) noexcept {
    return state == block_state::live || state == block_state::sampled ||
           state == block_state::large || state == block_state::brief ||
           state == block_state::outlived;
}
constexpr block_state without_remote_bit(block_state state) noexcept {
    return static_cast<block_state>(static_cast<std::uint32_t>(state) & ~freed_remotely);
}

inline bool lives(const block &b) noexcept { return is_live(without_remote_bit(b.state)); }

} // namespace scratch::shim
