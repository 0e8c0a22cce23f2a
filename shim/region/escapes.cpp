#include "shim/region/escapes.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "shim/observe/report.hpp"
#include "shim/region/caller_of_site.hpp"

namespace scratch::shim {

namespace {

struct escaping_site {
    std::atomic<std::uint32_t> site; // 0: free
    // Found at the first escape: later its library may be closed. 0: not known yet.
    std::atomic<std::uintptr_t> caller;
    std::atomic<std::uint64_t> blocks;
    std::atomic<std::uint64_t> bytes;
};
// Sites that find no place among so many neighbours are left out.
constexpr std::size_t most_sites = 1024;
constexpr std::size_t neighbours = 16;
constinit std::array<escaping_site, most_sites> sites = {};

std::size_t first_place_of(std::uint32_t site) noexcept { return site * 0x9e3779b1U >> 22; }
static_assert(most_sites == std::size_t{1} << (32 - 22));

std::uintptr_t caller_of(const escaping_site &at) noexcept {
    const std::uintptr_t known = at.caller.load(std::memory_order_relaxed);
    return known != 0 ? known : caller_of_site(at.site.load(std::memory_order_relaxed));
}

} // namespace

void note_escape(std::uint32_t site, std::size_t size, bool late) noexcept {
    if (site == 0) return;
    for (std::size_t step = 0; step < neighbours; ++step) {
        escaping_site &at = sites[(first_place_of(site) + step) % most_sites];
        std::uint32_t seen = 0;
        const bool is_new = at.site.compare_exchange_strong(seen, site, std::memory_order_relaxed);
        if (!is_new && seen != site) continue;
        if (is_new && !late) at.caller.store(caller_of_site(site), std::memory_order_relaxed);
        at.blocks.fetch_add(1, std::memory_order_relaxed);
        at.bytes.fetch_add(size, std::memory_order_relaxed);
        return;
    }
}

std::size_t list_escapes(std::span<site_line> lines) noexcept {
    std::size_t count = 0;
    std::uint64_t below = UINT64_MAX;
    // Each round takes the heaviest that is lighter than the last, or as heavy and behind it.
    std::size_t last = 0;
    while (count < lines.size()) {
        const escaping_site *most = nullptr;
        std::uint64_t most_bytes = 0;
        for (std::size_t i = 0; i < most_sites; ++i) {
            const std::uint64_t bytes = sites[i].bytes.load(std::memory_order_relaxed);
            const bool comes_later = bytes < below || (bytes == below && i > last);
            if (sites[i].blocks.load(std::memory_order_relaxed) == 0 || !comes_later) continue;
            if (most == nullptr || bytes > most_bytes) {
                most = &sites[i];
                most_bytes = bytes;
            }
        }
        if (most == nullptr) break;
        below = most_bytes;
        last = static_cast<std::size_t>(most - sites.data());
        const std::uint64_t blocks = most->blocks.load(std::memory_order_relaxed);
        lines[count++] = {.caller = caller_of(*most),
                          .calls = blocks,
                          .bytes = most_bytes,
                          .escapes = blocks,
                          .routed = false,
                          .demoted = false};
    }
    return count;
}

void forget_escapes() noexcept {
    for (escaping_site &at : sites) {
        at.blocks.store(0, std::memory_order_relaxed);
        at.bytes.store(0, std::memory_order_relaxed);
    }
}

} // namespace scratch::shim
