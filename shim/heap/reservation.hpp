// The one range of addresses from which all threads' chunks come, so that "is this ours?" is one
// subtract and one compare (DESIGN 16). Chunks are handed out and taken back without locks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shim/heap/chunk.hpp"

namespace scratch::shim {

struct reservation_words {
    // Until there is one, where no address is: a thread may read base before and frontier after
    // they are set.
    std::uintptr_t base = std::uintptr_t{1} << 63;
    // Bytes from base that have been readable once; they stay readable. 0 before the first chunk.
    // A plain word, written atomically: the compare of every free reads it straight from memory.
    std::size_t frontier = 0;
};
extern reservation_words reservation __attribute__((visibility("hidden")));

[[gnu::always_inline]] inline bool is_ours(const void *address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address) - reservation.base < reservation.frontier;
}

// Whether little will do: 64 MiB, for the few chunks of adaptive mode. A program that limits its
// address space later has the rest then. When that changes to false, a range that is open is
// widened as far as its neighbours in the address space leave room. Not for several threads at a
// time.
void reserve_narrowly(bool narrow) noexcept;

// Reserves the range if that has not been done; threads that come at once all have it. False where
// there is no room for it; then for good.
bool open_reservation() noexcept;

// `count` chunks in a row with memory behind them, the header's contents unknown; null where the
// range or the memory is used up. `*fresh` tells that the pages read as zero.
chunk *take_chunks(std::uint32_t count, bool *fresh) noexcept;

// Gives back what take_chunks gave. The pages of what was used last stay until more than the
// default budget waits (kept_chunks); of single chunks more, where it is needed again and again.
void give_back_chunks(chunk *first, std::uint32_t count) noexcept;

// A 32-bit name for an address of a block in the range (which is at most 64 GiB), and back. 0 names
// none.
inline std::uint32_t compress(const block *address) noexcept {
    return static_cast<std::uint32_t>(
        (reinterpret_cast<std::uintptr_t>(address) - reservation.base) / 16);
}
inline block *decompress(std::uint32_t name) noexcept {
    return reinterpret_cast<block *>(reservation.base + std::uintptr_t{name} * 16);
}

} // namespace scratch::shim
