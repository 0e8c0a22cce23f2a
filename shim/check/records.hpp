// What is known of each block, kept apart from the blocks: an overflow cannot reach it, and it
// stays readable when the block's pages are closed. A record for every 32 bytes of the range, found
// by arithmetic; memory stands behind those in use only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shim/check/arena.hpp"

namespace scratch::shim::check {

enum class block_life : std::uint8_t { none, live, freed };

// What made a block decides what may free it.
enum class maker : std::uint8_t { malloc, aligned, scalar_new, array_new };

struct record {
    std::size_t size; // as asked for
    trace_id allocated;
    trace_id freed;
    std::uint32_t sum;    // of the contents when it was freed, where its page stays open
    std::uint32_t thread; // the kernel's number of the thread that allocated it
    std::atomic<block_life> life;
    maker made_by;
    bool second_half; // begins 16 bytes after the record's place
    bool own_pages;
    std::uint32_t reserved;
};

inline constexpr std::size_t granule = 32;
inline constexpr std::size_t smallest_slot = granule;
// Bytes behind each block, at least, whose pattern shows an overflow.
inline constexpr std::size_t canary_bytes = 8;

static_assert(sizeof(record) == granule);

inline std::size_t records_offset(page_number page) noexcept {
    return (std::size_t{page} << arena.page_shift) / granule * sizeof(record);
}
inline record &record_near(std::uintptr_t address) noexcept {
    return reinterpret_cast<record *>(arena.records)[(address - arena.base) / granule];
}
inline std::uintptr_t payload_of(const record &of) noexcept {
    const auto index = &of - reinterpret_cast<const record *>(arena.records);
    return arena.base + static_cast<std::uintptr_t>(index) * granule + (of.second_half ? 16 : 0);
}

// The record of the block that begins at `payload`, live or freed; null where none does.
record *find_record(const void *payload) noexcept;

// The record of the block whose bytes, or the gap behind them, hold `address`: for reports. Null
// where no block was.
record *find_around(std::uintptr_t address) noexcept;

void clear_records(page_number first, page_number count) noexcept;

// Bytes from the end of the block up to which its canary reaches.
std::size_t slack_of(const record &of) noexcept;
void write_canary(const record &of) noexcept;
// Where the first byte is that is not the canary's, or 0 where all are.
std::uintptr_t damaged_at(const record &of) noexcept;

// A sum over the block's contents, never 0.
std::uint32_t sum_of_contents(const record &of) noexcept;

// Calls `visit(record &)` for each block that begins on the pages.
template <typename Visit>
void for_each_block(page_number first, page_number count, Visit &&visit) noexcept {
    auto *at = &record_near(address_of(first));
    const auto *end = &record_near(address_of(first + count));
    for (; at < end; ++at)
        if (at->life.load(std::memory_order_relaxed) != block_life::none) visit(*at);
}

} // namespace scratch::shim::check
