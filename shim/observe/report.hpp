// The report at exit.
//
// As JSON it is one object on one line. Its keys are a promise; new ones may come behind them:
//
//     scratch             1, the version of this list
//     program, pid, mode  what ran; the mode by its name in SCRATCH_MODE
//     stood_aside         null, or why nothing was routed: "own_malloc", "own_operators",
//     "deepbind",
//                         "no_memory"
//     gave_up             true where adaptive stopped trying
//     nothing_gained      true where nothing was routed or adaptive gave up
//     budget_bytes        the budget
//     scratch_calls ...   each counter of counters.hpp under its own name there, a number
//     sites               the ten callers with the most bytes, most first, each an object:
//                         address ("0x..."), module (path), offset in the module ("0x..."), symbol,
//                         symbol_offset (a number) (null where not known), calls, bytes, escapes,
//                         routed, demoted, depths (of the machine stack at which it was seen: so
//                         many sites are in one; routed and demoted where one of them is).
//                         Adaptive mode looks at samples only: calls, bytes and escapes are theirs,
//                         and a routed site is sampled no more
//                         In mode scoped they are the callers whose blocks outlived counted
//                         regions; calls and bytes are those of the blocks that did
//     sampled_one_in      [a, b]: of so many calls one was looked at, at first and later;
//                         [1, 1] where it was every one
//     hooked              only where functions are hooked: those with the most calls, most first,
//     at
//                         most sixteen, each an object: label (what the user wrote), kind
//                         ("region", "trusted region", "frame", "trusted frame", "except"), calls
//     counted             false where calls passed without being counted: in mode off, and where
//                         the program has a malloc of its own
#pragma once

#include "shim/observe/standard_error.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace scratch::shim {

struct configuration;
struct process_counters;

// One hooked function, for the report. The texts outlive it.
struct hook_line {
    const char *label;
    const char *kind;
    std::uint64_t calls;
};
inline constexpr std::size_t most_hooks_reported = 16;

// One site that had blocks on a stack, for the report.
struct site_line {
    std::uintptr_t caller; // the return address, 0 where unknown
    std::uint64_t calls;
    std::uint64_t bytes;
    std::uint64_t escapes;
    bool routed;
    bool demoted;
    std::uint32_t depths = 1; // of the machine stack: sites that are one caller's
};

// Of how many calls one is in the lines of sites: at first, and at most.
struct sampling {
    std::uint32_t first = 1;
    std::uint32_t longest = 1;
};

// Writes the statistics in the format that was asked for, if one was: to the file of
// SCRATCH_OUTPUT, whose counters it replaces in one step, else to standard error, if that is still
// the file that it was. One write; errno kept; no signal raised; takes the loader's lock for the
// names of sites but allocates nothing. `totals.program`, `pid` and `mode` are those of counters().
// Called by one thread at a time.
void write_report(const configuration &configuration, const process_counters &totals,
                  std::span<const site_line> sites, sampling of_sites = {},
                  std::span<const hook_line> hooked = {}) noexcept;

} // namespace scratch::shim
