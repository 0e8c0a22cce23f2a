// The stacks of threads: started lazily, found lazily when their thread is dead, sorted out after
// fork.
//
// No pthread key and no atfork handler: a slot keeps its thread's number, and the kernel is asked
// whether that still lives when a new stack is made or one grows. A child of fork knows itself by a
// word that the kernel clears for it. No function here takes a lock.
#pragma once

#include "core/stack.hpp"

namespace scratch::threads {

/// A stack for the calling thread on the given words: its first one (thread-local words) or, with
/// null, a further one with words in the slot. Null with ENOMEM.
stack_state *start(scratch_stack *words) noexcept;

/// Gives back what a few dead threads have left, so that the rest need not be kept in mind.
void bury_some() noexcept;

/// Gives back what all dead threads have left. For when memory or addresses are short.
void bury_all() noexcept;

} // namespace scratch::threads
