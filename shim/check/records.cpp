#include "shim/check/records.hpp"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

#include "shim/heap/chunk.hpp"

namespace scratch::shim::check {

namespace {

// Beside a block with pages of its own, so much of the room before it is watched too.
constexpr std::size_t watched_before = 64;

unsigned char canary_at(std::uintptr_t address) noexcept {
    return static_cast<unsigned char>(0xc5 ^ (address * 29));
}

std::uintptr_t begin_of_watch(const record &of) noexcept {
    const std::uintptr_t payload = payload_of(of);
    const std::uintptr_t page = payload & ~(page_bytes() - 1);
    return of.own_pages ? std::max(page, payload - watched_before) : payload;
}

} // namespace

record *find_record(const void *payload) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(payload);
    if (address % 16 != 0 || page_of(address) >= highest_page()) return nullptr;
    record &found = record_near(address);
    const bool here = found.life.load(std::memory_order_acquire) != block_life::none &&
                      payload_of(found) == address;
    return here ? &found : nullptr;
}

record *find_around(std::uintptr_t address) noexcept {
    const page_number page = page_of(address);
    if (page == 0 || page >= highest_page()) return nullptr;
    record *alone = nullptr;
    for_each_block(page - arena.pages[page].back, 1, [&](record &one) {
        if (one.own_pages) alone = &one;
    });
    if (alone != nullptr) return alone;
    const std::uintptr_t most = std::min(address - address_of(1), std::uintptr_t{chunk_size});
    for (record *at = &record_near(address); at >= &record_near(address - most); --at) {
        if (at->life.load(std::memory_order_acquire) == block_life::none) continue;
        if (at->own_pages) return nullptr;
        if (payload_of(*at) <= address) return at;
    }
    return nullptr;
}

void clear_records(page_number first, page_number count) noexcept {
    // Whole pages of records, since a page has as many bytes of them.
    static_assert(granule == sizeof(record));
    madvise(arena.records + records_offset(first), records_offset(count), MADV_DONTNEED);
}

std::size_t slack_of(const record &of) noexcept {
    const std::uintptr_t payload = payload_of(of);
    if (!of.own_pages)
        return std::max(smallest_slot, (of.size + canary_bytes + 15) & ~std::size_t{15}) - of.size;
    const std::uintptr_t end = payload + of.size;
    return ((end + page_bytes() - 1) & ~(page_bytes() - 1)) - end;
}

void write_canary(const record &of) noexcept {
    const std::uintptr_t payload = payload_of(of);
    const auto write = [](std::uintptr_t from, std::uintptr_t to) {
        for (std::uintptr_t at = from; at < to; ++at)
            *reinterpret_cast<unsigned char *>(at) = canary_at(at);
    };
    write(begin_of_watch(of), payload);
    write(payload + of.size, payload + of.size + slack_of(of));
}

std::uintptr_t damaged_at(const record &of) noexcept {
    const std::uintptr_t payload = payload_of(of);
    const auto differs = [](std::uintptr_t from, std::uintptr_t to) -> std::uintptr_t {
        for (std::uintptr_t at = from; at < to; ++at)
            if (*reinterpret_cast<const unsigned char *>(at) != canary_at(at)) return at;
        return 0;
    };
    const std::uintptr_t behind = differs(payload + of.size, payload + of.size + slack_of(of));
    return behind != 0 ? behind : differs(begin_of_watch(of), payload);
}

std::uint32_t sum_of_contents(const record &of) noexcept {
    // A change shows, but for one time in four billion.
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
    const auto *bytes = reinterpret_cast<const unsigned char *>(payload_of(of));
    std::uint64_t hash = of.size;
    const auto add = [&hash](std::uint64_t word) {
        hash = (hash ^ word) * odd;
        hash ^= hash >> 32;
    };
    std::size_t at = 0;
    for (; at + sizeof(std::uint64_t) <= of.size; at += sizeof(std::uint64_t)) {
        std::uint64_t word;
        std::memcpy(&word, bytes + at, sizeof word);
        add(word);
    }
    for (; at < of.size; ++at)
        add(bytes[at]);
    const auto sum = static_cast<std::uint32_t>(hash ^ hash >> 32);
    return sum != 0 ? sum : 1;
}

} // namespace scratch::shim::check
