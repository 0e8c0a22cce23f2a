// The numbers of one process, in a shared mapping that other processes can read while it runs and
// that outlives _exit, exec and signals.
#pragma once

#include <atomic>
#include <cstdint>

namespace scratch::shim {

inline constexpr std::uint32_t counters_version = 1;

// Plain words, added to by slow paths only; the hot paths count in the thread's heap.
struct process_counters {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t pid;
    char program[48];
    std::uint32_t mode;      // run_mode
    std::uint32_t unused;
    std::atomic<std::uint64_t> scratch_calls;
    std::atomic<std::uint64_t> scratch_bytes;
    std::atomic<std::uint64_t> next_calls;  // counted where statistics were asked for, else 0
    std::atomic<std::uint64_t> next_bytes;
    std::atomic<std::uint64_t> chunk_bytes;      // held now by chunks outside trusted regions (budget)
    std::atomic<std::uint64_t> chunk_bytes_peak;
    std::atomic<std::uint64_t> trusted_bytes;    // held now by chunks of trusted regions
    std::atomic<std::uint64_t> trusted_bytes_peak;
    std::atomic<std::uint64_t> large_bytes;      // held now by large blocks
    std::atomic<std::uint64_t> large_bytes_peak;
    std::atomic<std::uint64_t> pinned_bytes;     // dead bytes in chunks that wait for their last free
    std::atomic<std::uint64_t> pinned_bytes_peak;
    std::atomic<std::uint64_t> regions_entered;
    std::atomic<std::uint64_t> escapes;          // blocks still live when their counted region ended
    std::atomic<std::uint64_t> escaped_bytes;
    std::atomic<std::uint64_t> remote_frees;     // frees by other threads and by nested signal handlers
    std::atomic<std::uint64_t> budget_refusals;  // calls sent to `next` since the budget was reached
    std::atomic<std::uint64_t> sites_seen;
    std::atomic<std::uint64_t> sites_routed;
    std::atomic<std::uint64_t> sites_demoted;
    std::atomic<std::uint64_t> threads;          // thread heaps ever started
    std::atomic<std::uint32_t> gave_up;          // adaptive: 1 when it found nothing to gain
    std::atomic<std::uint32_t> stood_aside;      // a reason: see stand_aside_reason, 0 none
};

enum class stand_aside_reason : std::uint32_t { none, own_malloc, own_operators, deepbind, no_memory };

// Never null: constant-initialised words of this process before (and without) a mapping.
process_counters &counters() noexcept;

// Makes the mapping and copies into it what was counted so far: a file named by uid and pid in XDG_RUNTIME_DIR or
// /dev/shm (O_EXCL, O_NOFOLLOW, descriptor closed at once), or the one of SCRATCH_OUTPUT, which is
// kept at exit. `fresh` (a forked child): counts start at zero in a mapping of its own; the
// parent's is left alone. Failure leaves the words of the process in use. Allocates nothing; errno kept.
void open_counters(const struct configuration &configuration, char **environment, bool fresh) noexcept;

// Removes the mapping's file where it is not one that was asked for.
void close_counters() noexcept;

} // namespace scratch::shim
