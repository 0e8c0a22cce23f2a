// Who is running, as the kernel sees it: plain system calls, safe in signal handlers and after
// fork. One file per system (tasks_linux.cpp, tasks_darwin.cpp).
#pragma once

#include <cstdint>

namespace scratch::tasks {

using task_id = std::uint32_t;

/// The kernel's number of the calling thread, never 0 or one of the 16 highest. It changes in a
/// child made by fork.
task_id calling_thread() noexcept;

/// The kernel's number of the calling process; in a vfork child that of the child.
task_id this_process() noexcept;

/// True for the thread that the process began with; in a child of fork the one that called fork.
bool is_first_thread() noexcept;

/// True only if the kernel says that `process` has no thread `thread`. Any other answer, errors
/// included, counts as alive. Keeps errno.
bool is_gone(task_id process, task_id thread) noexcept;

/// Returns when what the calling thread stored before is seen by all that the process's other
/// threads load from then on, and what they stored before is seen here. Takes milliseconds. False
/// where the system cannot; keeps errno.
bool order_all_threads() noexcept;

/// Nanoseconds of CPU time that the calling process has taken, all its threads together; 0 where
/// the kernel does not say. Keeps errno.
std::uint64_t cpu_time_of_process() noexcept;

} // namespace scratch::tasks
