// What SCRATCH_CHECK asks of mode check: words with commas between, read once at start.
#pragma once

#include <cstddef>
#include <cstdint>

namespace scratch::shim::check {

struct options {
    // Bytes of given back memory whose contents are kept, inaccessible. The oldest leave first.
    std::size_t quarantine = std::size_t{256} << 20;
    // Mappings that the range may be cut into; 0: half of what the system allows a process.
    std::uint32_t mappings = 0;
    // Frames kept of each backtrace.
    std::uint32_t depth = 16;
    // The exit status of a program that was reported on; -1: its own.
    int error_exitcode = -1;
    bool halt = false;        // abort after the first report
    bool every_block = false; // pages of its own for each block, not for a sample of them
    bool leaks = false;       // blocks that are live at exit are reported too
    bool escapes = true;      // so are blocks that were live at the end of a trusted scope
    // Found at exit, they count as mistakes for the exit status.
    bool leaks_are_errors = false;
    bool escapes_are_errors = false;
    bool lines = true; // source lines, by addr2line in a child process
};

extern options asked;

// Parses quarantine=BYTES, mappings=N, depth=N, error-exitcode=N, halt, every-block, leaks,
// no-escapes, leaks-are-errors, escapes-are-errors, no-lines. A word that cannot be used is told in
// one warning each and left out. Null is nothing.
void read_options(const char *text) noexcept;

} // namespace scratch::shim::check
