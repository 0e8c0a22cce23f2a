// The report at exit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace scratch::shim {

struct configuration;
struct process_counters;

// One site that had blocks on a stack, for the report.
struct site_line {
    std::uintptr_t caller; // the return address, 0 where unknown
    std::uint64_t calls;
    std::uint64_t bytes;
    std::uint64_t escapes;
    bool routed;
    bool demoted;
};

// Remembers which file standard error is now (device, inode), so that the report is never written into a
// file that the program opened later as descriptor 2.
void remember_standard_error() noexcept;

// Writes the statistics in the format that was asked for, if standard error is still the file that it was, or to the
// file of SCRATCH_OUTPUT. One write; errno kept; may allocate from the next allocator.
void write_report(const configuration &configuration, const process_counters &totals,
                  std::span<const site_line> sites) noexcept;

} // namespace scratch::shim
