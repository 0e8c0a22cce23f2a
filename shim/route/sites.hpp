// Sites: where allocations come from, and what adaptive mode knows about each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace scratch::shim {

struct site_line;

// The caller and its depth on the machine stack, mixed (DESIGN 5). A hint: two sites that share a
// key are treated as one, which costs speed, never correctness.
using site_key = std::uint64_t;

[[gnu::always_inline]] inline site_key make_site_key(std::uintptr_t caller,
                                                     std::uintptr_t depth) noexcept {
    // Multiplication carries the differences up to the bits by which the tables are indexed.
    return (caller + (static_cast<std::uint64_t>(depth) << 32)) * 0x9e3779b97f4a7c15;
}

// --- routed sites: one hash, one load, one compare
// -------------------------------------------------------

inline constexpr unsigned routed_bits = 10;
inline constexpr std::size_t routed_places = std::size_t{1} << routed_bits;
extern site_key routed_sites[routed_places] __attribute__((visibility("hidden")));

[[gnu::always_inline]] inline std::uint32_t routed_place(site_key key) noexcept {
    return static_cast<std::uint32_t>(key >> (64 - routed_bits));
}

// --- all sites that were sampled
// --------------------------------------------------------------------------

enum class site_state : std::uint32_t { watched, eligible, routed, demoted };

struct site {
    std::atomic<site_key> key;
    std::atomic<std::uintptr_t> caller;
    std::atomic<site_state> state;
    std::atomic<std::uint32_t> young; // sampled blocks that died soon
    std::atomic<std::uint32_t> old;   // sampled blocks that did not
    std::atomic<std::uint32_t> sampled;
    std::atomic<std::uint64_t> bytes;
};

// The entry of a key, made if need be; null when the table is full.
site *find_site(site_key key, std::uintptr_t caller) noexcept;

// Puts a site into the table of routed ones, in the place of another one that hashes to it; takes
// it out.
void route_site(site &routed) noexcept;
void demote_site(site &demoted) noexcept;

// Routes all eligible sites; routes none.
void route_eligible_sites() noexcept;
void unroute_all_sites() noexcept;

// The site that a place of the routed table belongs to, or null.
site *site_at_place(std::uint32_t place) noexcept;

// A forked child tells of its own calls. What is known of the sites stays.
void forget_sampled_calls() noexcept;

// Fills `lines` with the callers of most sampled bytes, the sites of each in one line; returns how
// many. Called by one thread at a time.
std::size_t list_sites(std::span<site_line> lines) noexcept;

} // namespace scratch::shim
