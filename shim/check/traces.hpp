// Backtraces: taken by libunwind, kept once each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "shim/check/arena.hpp"

namespace scratch::shim::check {

inline constexpr std::size_t deepest_trace = 32;

// Return addresses, innermost first, none of them in our objects.
struct backtrace {
    std::uint32_t depth = 0;
    std::uintptr_t frames[deepest_trace];
};

// A backtrace that is kept, with a word of its own (the name of the scope that ended there).
struct kept_trace {
    trace_id next;
    std::atomic<std::uint32_t> blocks; // allocated there
    std::uint64_t tag;
    std::uint32_t depth;
    std::uint32_t reserved;
    std::uintptr_t frames[];

    std::span<const std::uintptr_t> all() const noexcept { return {frames, depth}; }
};

bool open_traces() noexcept;

// Loads libunwind: once, when the loader can be called. Until then, and where there is none, frame
// pointers are followed.
void load_unwinder() noexcept;

// The file header, in memory, of the object whose calls stand before the system's (check/seam.hpp).
void leave_out_calls(const void *object) noexcept;

// The calling thread's frames outside our objects. Under the inside word: the unwinder may
// allocate.
[[gnu::noinline]] void take_backtrace(backtrace &into) noexcept;

// The frames of what a signal interrupted; the first is the instruction itself, plus one, so that
// it reads like a return address.
void take_backtrace_of(const void *signal_context, backtrace &into) noexcept;

// The same backtrace has the same name. 0: there is no room for more.
trace_id keep(const backtrace &trace, std::uint64_t tag = 0) noexcept;

// Null for 0.
kept_trace *trace_at(trace_id id) noexcept;

} // namespace scratch::shim::check
