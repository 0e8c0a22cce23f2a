// The numbers of one process, in a shared mapping that other processes can read while it runs and
// that outlives _exit, exec and signals.
#pragma once

#include <atomic>
#include <cstdint>

namespace scratch::shim {

inline constexpr std::uint32_t counters_version = 1;
// "scratch" and a zero, read as a little-endian word: the first bytes of the file say what it is.
inline constexpr std::uint64_t counters_magic = 0x0068'6374'6172'6373;

// Plain words, added to by slow paths only; the hot paths count in the thread's heap.
struct process_counters {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t pid;
    char program[48];   // zero-terminated, cut where it is longer
    std::uint32_t mode; // run_mode
    std::uint32_t unused;
    std::atomic<std::uint64_t> scratch_calls;
    std::atomic<std::uint64_t> scratch_bytes;
    std::atomic<std::uint64_t> next_calls; // counted where statistics were asked for, else 0
    std::atomic<std::uint64_t> next_bytes;
    std::atomic<std::uint64_t> chunk_bytes; // held now by chunks outside trusted regions (budget)
    std::atomic<std::uint64_t> chunk_bytes_peak;
    std::atomic<std::uint64_t> trusted_bytes; // held now by chunks of trusted regions
    std::atomic<std::uint64_t> trusted_bytes_peak;
    std::atomic<std::uint64_t> large_bytes; // held now by large blocks
    std::atomic<std::uint64_t> large_bytes_peak;
    std::atomic<std::uint64_t> pinned_bytes; // dead bytes in chunks that wait for their last free
    std::atomic<std::uint64_t> pinned_bytes_peak;
    std::atomic<std::uint64_t> regions_entered;
    std::atomic<std::uint64_t>
        regions_rested;                 // not opened, since the last ones left chunks waiting
    std::atomic<std::uint64_t> escapes; // blocks still live when their counted region ended
    std::atomic<std::uint64_t> escaped_bytes;
    std::atomic<std::uint64_t> remote_frees; // frees by other threads and by nested signal handlers
    std::atomic<std::uint64_t> budget_refusals; // calls sent to `next` since the budget was reached
    std::atomic<std::uint64_t> sites_seen;
    std::atomic<std::uint64_t> sites_routed;
    std::atomic<std::uint64_t> sites_demoted;
    std::atomic<std::uint64_t> threads; // thread heaps ever started
    // The most by which blocks that outlived trusted regions, left inexactly, passed the budget:
    // they cannot be moved, and no chunk is opened until they are gone.
    std::atomic<std::uint64_t> over_budget_peak;
    std::atomic<std::uint32_t> gave_up;     // adaptive: 1 when it found nothing to gain
    std::atomic<std::uint32_t> stood_aside; // a reason: see stand_aside_reason, 0 none
    std::uint64_t refused_output; // a mark of the SCRATCH_OUTPUT that could not be used, 0 none
};

enum class stand_aside_reason : std::uint32_t {
    none,
    own_malloc,
    own_operators,
    deepbind,
    no_memory
};

// Every 64-bit counter with its name: the one list that copies, reports and tests are made from.
struct named_counter {
    char name[20]; // an array: a pointer would be a relocation at every start of a program
    std::atomic<std::uint64_t> process_counters::*word;
};
inline constexpr named_counter named_counters[] = {
    {"scratch_calls", &process_counters::scratch_calls},
    {"scratch_bytes", &process_counters::scratch_bytes},
    {"next_calls", &process_counters::next_calls},
    {"next_bytes", &process_counters::next_bytes},
    {"chunk_bytes", &process_counters::chunk_bytes},
    {"chunk_bytes_peak", &process_counters::chunk_bytes_peak},
    {"trusted_bytes", &process_counters::trusted_bytes},
    {"trusted_bytes_peak", &process_counters::trusted_bytes_peak},
    {"large_bytes", &process_counters::large_bytes},
    {"large_bytes_peak", &process_counters::large_bytes_peak},
    {"pinned_bytes", &process_counters::pinned_bytes},
    {"pinned_bytes_peak", &process_counters::pinned_bytes_peak},
    {"regions_entered", &process_counters::regions_entered},
    {"regions_rested", &process_counters::regions_rested},
    {"escapes", &process_counters::escapes},
    {"escaped_bytes", &process_counters::escaped_bytes},
    {"remote_frees", &process_counters::remote_frees},
    {"budget_refusals", &process_counters::budget_refusals},
    {"sites_seen", &process_counters::sites_seen},
    {"sites_routed", &process_counters::sites_routed},
    {"sites_demoted", &process_counters::sites_demoted},
    {"threads", &process_counters::threads},
    {"over_budget_peak", &process_counters::over_budget_peak},
};

// Never null: constant-initialised words of this process before (and without) a mapping. The
// reference stays valid for ever, but counts added through one that was taken before open_counters
// may be lost.
process_counters &counters() noexcept;

// Makes the mapping and copies into it what was counted so far: a file of one page, scratch-UID-PID
// in XDG_RUNTIME_DIR (where that is a folder of this user) or common_folder, created anew (no link
// is followed, a stale file of the same name is removed first), its descriptor closed at once; or
// the one of SCRATCH_OUTPUT, which is kept at exit. There, a file that belongs to a process that
// still lives, and the file that this process wrote before an exec, get company: the name with .1,
// .2,
// ... behind it; a file that scratch did not write is left alone, with a warning, which is left out
// where the parent gave it, or this process before an exec. `fresh` (a forked
// child): counts start at zero in a mapping of its own, at the same address; the parent's is left
// alone. Failure leaves words of the process in use. Space in the file is taken before it is
// mapped, so a full file system is a failure here and no SIGBUS later. Allocates nothing; errno
// kept; no signal raised; called by one thread.
void open_counters(const struct configuration &configuration, char **environment,
                   bool fresh) noexcept;

// Removes the mapping's file where it is not one that was asked for. The mapping stays, for late
// threads. A child that has not called open_counters leaves its parent's file alone.
void close_counters() noexcept;

// The absolute path of the file that SCRATCH_OUTPUT asked for, null where there is none.
const char *asked_output_path() noexcept;

} // namespace scratch::shim
