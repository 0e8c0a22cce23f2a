// Which thread has which heap: started at a thread's first scratch call, found again when the
// thread is dead. No pthread key and no atfork handler (DESIGN 13).
#pragma once

#include <cstdint>

#include "shim/heap/thread_heap.hpp"

namespace scratch::shim {

inline constexpr std::uint32_t most_heaps = 2048;

// Gives the calling thread a heap, a dead thread's or a new one; null where there is none to be
// had. Under the inside word.
thread_heap *start_own_heap() noexcept;

// The budget is reached: a heap whose thread is gone gives back what it does not need. True where
// there is room now; where searches are in vain, few calls make one. Under the inside word.
bool reclaim_from_dead_thread() noexcept;

// Tells the kernel to blank our word in forked children. Once, before the first heap.
void watch_for_fork() noexcept;

// Called first in every slow path: notices that this process is a forked child and makes the heap
// of the forking thread the child's.
void notice_fork() noexcept;

// Whether this process was noticed to be one.
bool is_forked_child() noexcept;

// Where libc says whether the process has one thread; null where it does not say. Once, while it
// has.
void know_single_thread_by(const char *word) noexcept;
bool libc_tells_of_threads() noexcept;

// Whether this process is one whose parent had threads, or may have had: one that did not come
// along may hold the loader's locks here, for good.
bool loader_may_be_locked() noexcept;

// Whether this process shares its memory with a parent that waits for it (vfork): what is noted
// here would be noted of the parent. A system call.
bool is_vfork_child() noexcept;

// Leaves the heap that a longjmp tore out of a slow path: nobody uses it any more; its blocks stay
// valid.
void abandon_own_heap() noexcept;

// For the report and tokens: the heaps that were ever started.
std::uint32_t heaps_ever_started() noexcept;
thread_heap *heap_at(std::uint32_t slot) noexcept;

} // namespace scratch::shim
