// Regions of hooked functions: what a hook asks of the calling thread's regions. The names of such
// regions are the addresses of their entries in the hook table, their labels are for reports.
#pragma once

#include <cstdint>

#include "shim/region/region.hpp"

namespace scratch::shim {

// As enter_region; `stack_pointer` stands in the frame that the hook itself has, so that one above
// it says that the function is over. Ended exactly by leave_region.
region_token enter_hooked_region(std::uint64_t name, const char *label, region_kind kind,
                                 bool trusted, std::uintptr_t stack_pointer) noexcept;

// An unwinder passes the frame of a hooked function: the region that it opened ends as a counted
// one, with those inside it. 0: the unwinder does not tell whose frame; the innermost one's.
void end_unwound_region(region_token token) noexcept;

// As turn_frame. Exact only where the call stands as deep as the one that began the turn: a deeper
// one may come from a loop inside the turn, whose caller goes on with its blocks, and one that
// stands higher from a stack in a variable of the function whose loop that is.
void turn_hooked_frame(std::uint64_t name, const char *label, bool trusted,
                       std::uintptr_t stack_pointer) noexcept;

// The function is called at this stack pointer, at which it opened a region before: so that call is
// over, by an exception, and its region ends as a counted one.
void end_stale_instrumented_region(std::uint64_t name, std::uintptr_t stack_pointer) noexcept;

// The function that opened a region by `name` at this very stack pointer is over: exactly, where
// it returns and is the innermost one; else as counted ones, down to it. `by_jump`: its frame is
// gone already, so it is the innermost region or none, and was opened below.
void leave_instrumented_region(std::uint64_t name, std::uintptr_t stack_pointer, bool by_jump,
                               bool returns) noexcept;

// The thread is about to jump to where `stack_pointer` stands: what is below it, on the same
// machine stack, is over.
void end_regions_jumped_over(std::uintptr_t stack_pointer) noexcept;

// The thread goes on on another stack while a region is open in it: a paused region, so that what
// runs there gets nothing of the regions here. 0 where none is open, or it has one already. Its
// token is left when the thread comes back.
region_token leave_stack(std::uint64_t name, std::uintptr_t stack_pointer) noexcept;

} // namespace scratch::shim
