#include "shim/route/sites.hpp"

#include <algorithm>

#include "shim/observe/counters.hpp"
#include "shim/observe/report.hpp"

namespace scratch::shim {

alignas(64) constinit site_key routed_sites[routed_places] = {};

namespace {

constexpr std::size_t most_sites = 4096;
// Linear probing this far: beyond, the table is too full to learn more.
constexpr std::size_t longest_probe = 16;

constinit site sites[most_sites] = {};
constinit std::atomic<std::uint16_t> place_owner[routed_places] = {};

void set_place(std::uint32_t place, site_key key) noexcept {
    __atomic_store_n(&routed_sites[place], key, __ATOMIC_RELAXED);
}

struct seen_site {
    std::uintptr_t caller;
    std::uint16_t index;
};

seen_site *copy_seen_sites(seen_site *into) noexcept {
    for (std::size_t index = 0; index < most_sites; ++index) {
        if (sites[index].sampled.load(std::memory_order_relaxed) == 0) continue;
        *into++ = {sites[index].caller.load(std::memory_order_relaxed),
                   static_cast<std::uint16_t>(index)};
    }
    return into;
}

void add_site(site_line &line, const site &added) noexcept {
    const site_state state = added.state.load(std::memory_order_relaxed);
    line.calls += added.sampled.load(std::memory_order_relaxed);
    line.bytes += added.bytes.load(std::memory_order_relaxed);
    line.escapes += added.old.load(std::memory_order_relaxed);
    line.routed |= state == site_state::routed;
    line.demoted |= state == site_state::demoted;
    ++line.depths;
}

} // namespace

site *find_site(site_key key, std::uintptr_t caller) noexcept {
    const std::size_t start = key >> 40;
    for (std::size_t i = 0; i < longest_probe; ++i) {
        site &candidate = sites[(start + i) % most_sites];
        site_key seen = candidate.key.load(std::memory_order_acquire);
        if (seen == key) return &candidate;
        if (seen != 0) continue;
        if (candidate.key.compare_exchange_strong(seen, key, std::memory_order_acq_rel)) {
            candidate.caller.store(caller, std::memory_order_relaxed);
            counters().sites_seen.fetch_add(1, std::memory_order_relaxed);
            return &candidate;
        }
        if (seen == key) return &candidate;
    }
    return nullptr;
}

void route_site(site &routed) noexcept {
    const site_key key = routed.key.load(std::memory_order_relaxed);
    const std::uint32_t place = routed_place(key);
    place_owner[place].store(static_cast<std::uint16_t>(&routed - sites),
                             std::memory_order_relaxed);
    routed.state.store(site_state::routed, std::memory_order_relaxed);
    set_place(place, key);
    counters().sites_routed.fetch_add(1, std::memory_order_relaxed);
}

void demote_site(site &demoted) noexcept {
    if (demoted.state.exchange(site_state::demoted, std::memory_order_relaxed) !=
        site_state::routed)
        return;
    const site_key key = demoted.key.load(std::memory_order_relaxed);
    if (routed_sites[routed_place(key)] == key) set_place(routed_place(key), 0);
    counters().sites_demoted.fetch_add(1, std::memory_order_relaxed);
}

void route_eligible_sites() noexcept {
    for (site &candidate : sites)
        if (candidate.state.load(std::memory_order_relaxed) == site_state::eligible)
            route_site(candidate);
}

void unroute_all_sites() noexcept {
    for (std::uint32_t place = 0; place < routed_places; ++place)
        set_place(place, 0);
    for (site &candidate : sites) {
        site_state routed = site_state::routed;
        candidate.state.compare_exchange_strong(routed, site_state::eligible,
                                                std::memory_order_relaxed);
    }
}

site *site_at_place(std::uint32_t place) noexcept {
    if (place >= routed_places) return nullptr;
    site &owner = sites[place_owner[place].load(std::memory_order_relaxed)];
    return owner.state.load(std::memory_order_relaxed) == site_state::routed ? &owner : nullptr;
}

void forget_sampled_calls() noexcept {
    for (site &known : sites) {
        known.sampled.store(0, std::memory_order_relaxed);
        known.bytes.store(0, std::memory_order_relaxed);
    }
}

std::size_t list_sites(std::span<site_line> lines) noexcept {
    // A copy: other threads go on while it is sorted. Not touched before, it costs nothing.
    static constinit seen_site seen[most_sites] = {};
    const auto heavier = [](const site_line &a, const site_line &b) { return a.bytes > b.bytes; };
    seen_site *const end = copy_seen_sites(seen);
    std::sort(seen, end,
              [](const seen_site &a, const seen_site &b) { return a.caller < b.caller; });
    std::size_t count = 0;
    for (const seen_site *first = seen; first != end;) {
        site_line line{first->caller, 0, 0, 0, false, false, 0};
        for (; first != end && first->caller == line.caller; ++first)
            add_site(line, sites[first->index]);
        if (count < lines.size()) {
            lines[count++] = line;
            std::push_heap(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count),
                           heavier);
        } else if (count != 0 && heavier(line, lines[0])) {
            std::pop_heap(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count),
                          heavier);
            lines[count - 1] = line;
            std::push_heap(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count),
                           heavier);
        }
    }
    std::sort_heap(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count), heavier);
    return count;
}

} // namespace scratch::shim
