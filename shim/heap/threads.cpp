#include "shim/heap/threads.hpp"

#include <csignal>
#include <new>
#include <sys/mman.h>

#include "core/kept_errno.hpp"
#include "core/pages.hpp"
#include "core/tasks.hpp"
#include "shim/heap/chunks.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/heap/remote.hpp"
#include "shim/hook/hooks.hpp"
#include "shim/lifecycle/start.hpp"
#include "shim/observe/counters.hpp"
#include "shim/observe/descriptor.hpp"
#include "shim/route/decision.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

namespace {

// A new thread asks the kernel about this many older ones before it starts a heap of its own.
constexpr std::uint32_t asked_at_start = 4;

// Each search costs a few system calls, and where all threads are alive it finds nothing.
constexpr std::uint32_t refusals_per_search = 128;
// No thread ever has this number, so whoever asks hears that it is gone.
constexpr std::uint32_t nobody = INT32_MAX;

// The heaps lie in parts that are mapped when the first heap of each is started: programs under a
// limit on addresses have few threads.
constexpr std::uint32_t heaps_in_part = 64;
static_assert(most_heaps % heaps_in_part == 0);
constinit std::atomic<thread_heap *> parts[most_heaps / heaps_in_part] = {};
constinit std::atomic<std::uint32_t> started{0};
constinit std::atomic<std::uint32_t> next_asked{0};

// The process that these words belong to. In the page that the kernel blanks in a forked child it
// reads 0 there; where there is no such page, a child gives back nothing of its parent's.
struct birth_words {
    std::atomic<std::uint32_t> process;
};
constinit birth_words unwatched{};
constinit birth_words *birth = &unwatched;
constinit bool watched = false;
constinit bool forked = false;
constinit const char *single_thread_word = nullptr;
constinit bool left_threads_behind = false;
// In a forked child: which of the parent's heaps belongs to the thread that came along is known.
// Until then none of them may be adopted, since the kernel knows no thread by the parent's numbers.
constinit std::atomic<bool> forker_known{true};

bool map_part(std::uint32_t slot) noexcept {
    std::atomic<thread_heap *> &part = parts[slot / heaps_in_part];
    thread_heap *seen = part.load(std::memory_order_acquire);
    if (seen != nullptr) return true;
    constexpr std::size_t size = heaps_in_part * sizeof(thread_heap);
    const kept_errno keep;
    void *mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return false;
    if (!part.compare_exchange_strong(seen, static_cast<thread_heap *>(mapped),
                                      std::memory_order_acq_rel))
        munmap(mapped, size);
    return true;
}

// Read while another thread may write it; of a thread that is gone it stays as it is.
bool holds_chunks(const thread_heap &heap) noexcept {
    return __atomic_load_n(&heap.current, __ATOMIC_RELAXED) != nullptr ||
           __atomic_load_n(&heap.retired, __ATOMIC_RELAXED) != nullptr ||
           __atomic_load_n(&heap.spare, __ATOMIC_RELAXED) != nullptr ||
           __atomic_load_n(&heap.charged_ahead[0], __ATOMIC_RELAXED);
}

enum class wanted : bool { any, with_chunks };

// The heap of a thread that is no more, taken over with all its blocks; null where none was found
// quickly.
thread_heap *adopt(tasks::task_id process, tasks::task_id thread, wanted which) noexcept {
    const std::uint32_t count = heaps_ever_started();
    std::uint32_t asked = 0;
    for (std::uint32_t seen = 0; asked < asked_at_start && seen < count; ++seen) {
        const std::uint32_t slot = next_asked.fetch_add(1, std::memory_order_relaxed) % count;
        thread_heap *heap = heap_at(slot);
        if (heap == this_thread.own) continue;
        if (which == wanted::with_chunks && !holds_chunks(*heap)) continue;
        shared_words &shared = heap->shared;
        std::uint32_t owner = shared.thread_id.load(std::memory_order_acquire);
        if (owner == 0 || shared.abandoned.load(std::memory_order_relaxed)) continue;
        if (shared.process.load(std::memory_order_relaxed) != process &&
            !forker_known.load(std::memory_order_acquire))
            continue;
        ++asked;
        if (owner != thread && !tasks::is_gone(process, owner)) continue;
        // First it is ours alone: another new thread may have taken it while the kernel was asked,
        // and the word would be that one's.
        if (!shared.thread_id.compare_exchange_strong(owner, thread, std::memory_order_acq_rel))
            continue;
        // What the thread did last is in memory, since the kernel knows it no more; that was heard
        // before anything of it is read.
        std::atomic_thread_fence(std::memory_order_acquire);
        if (heap->hot.inside == 0) {
            heap->hot.inside = this_thread.slow;
            return heap;
        }
        shared.abandoned.store(true, std::memory_order_relaxed);
    }
    return nullptr;
}

thread_heap *begin_new(tasks::task_id thread) noexcept {
    std::uint32_t slot = started.load(std::memory_order_relaxed);
    do {
        if (slot >= most_heaps || !map_part(slot)) return nullptr;
    } while (!started.compare_exchange_weak(slot, slot + 1, std::memory_order_acq_rel));
    auto *heap = new (heap_at(slot)) thread_heap;
    heap->slot = slot;
    heap->shared.thread_id.store(thread, std::memory_order_release);
    return heap;
}

} // namespace

std::uint32_t heaps_ever_started() noexcept { return started.load(std::memory_order_acquire); }

thread_heap *heap_at(std::uint32_t slot) noexcept {
    return parts[slot / heaps_in_part].load(std::memory_order_acquire) + slot % heaps_in_part;
}

void watch_for_fork() noexcept {
    const std::size_t size = pages::page_size();
    void *page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) {
        if (pages::wipe_on_fork(page, size)) {
            birth = new (page) birth_words{};
            watched = true;
        } else {
            munmap(page, size);
        }
    }
    birth->process.store(tasks::this_process(), std::memory_order_relaxed);
}

bool is_forked_child() noexcept { return forked; }

void know_single_thread_by(const char *word) noexcept { single_thread_word = word; }

bool libc_tells_of_threads() noexcept { return single_thread_word != nullptr; }

bool loader_may_be_locked() noexcept { return left_threads_behind; }

// It has its parent's memory and threads, and a number of its own.
bool is_vfork_child() noexcept {
    const tasks::task_id before = birth->process.load(std::memory_order_relaxed);
    return before != 0 && before != tasks::this_process();
}

void notice_fork() noexcept {
    if (!watched) return;
    std::uint32_t blank = 0;
    const tasks::task_id before = birth->process.load(std::memory_order_relaxed);
    if (before == 0) {
        forker_known.store(false, std::memory_order_relaxed);
        forked = true;
        // Threads of the child's own, begun before it came here, are taken for the parent's.
        if (single_thread_word == nullptr || *single_thread_word == 0) left_threads_behind = true;
        if (birth->process.compare_exchange_strong(blank, tasks::this_process(),
                                                   std::memory_order_acq_rel))
            started_in_child();
        forget_reader();
        forget_noting_threads();
        resume_decisions_in_child();
    }
    // Each thread for itself: the first slow path of a child may be on a thread that the child
    // began.
    thread_heap *own = this_thread.own;
    const tasks::task_id process = birth->process.load(std::memory_order_relaxed);
    if (own == nullptr || own->shared.process.load(std::memory_order_relaxed) == process) return;
    own->shared.thread_id.store(tasks::calling_thread(), std::memory_order_relaxed);
    own->shared.process.store(process, std::memory_order_relaxed);
    forker_known.store(true, std::memory_order_release);
}

void abandon_own_heap() noexcept {
    if (this_thread.own == nullptr) return;
    this_thread.own->shared.abandoned.store(true, std::memory_order_relaxed);
    this_thread.own = nullptr;
    this_thread.hot = this_thread.open = &no_words;
}

thread_heap *start_own_heap() noexcept {
    if (this_thread.own != nullptr) return this_thread.own;
    if (!open_reservation()) return nullptr;
    // To a vfork child all threads would seem gone.
    if (is_vfork_child()) return nullptr;
    const tasks::task_id process = tasks::this_process();
    const tasks::task_id thread = tasks::calling_thread();
    // A child's main thread is the one that came along, and it has no heap.
    if (tasks::is_first_thread()) forker_known.store(true, std::memory_order_release);
    thread_heap *heap = adopt(process, thread, wanted::any);
    if (heap != nullptr) {
        close_for_adoption(heap);
    } else if ((heap = begin_new(thread)) == nullptr) {
        return nullptr;
    }
    this_thread.stack_top = top_of_stack(tasks::is_first_thread());
    this_thread.own = heap;
    heap->shared.process.store(process, std::memory_order_relaxed);
    heap->hot.inside = this_thread.slow;
    counters().threads.fetch_add(1, std::memory_order_relaxed);
    return heap;
}

bool reclaim_from_dead_thread() noexcept {
    static constinit std::atomic<std::uint32_t> refusals{0};
    if (refusals.fetch_add(1, std::memory_order_relaxed) % refusals_per_search != 0) return false;
    const tasks::task_id process = tasks::this_process();
    if (process != birth->process.load(std::memory_order_relaxed)) return false;
    thread_heap *heap = adopt(process, tasks::calling_thread(), wanted::with_chunks);
    if (heap == nullptr) return false;
    close_for_adoption(heap);
    drain_remote_frees(heap);
    give_up_reserves(heap);
    heap->shared.process.store(process, std::memory_order_relaxed);
    heap->hot.inside = 0;
    heap->shared.thread_id.store(nobody, std::memory_order_release);
    if (!budget_has_room()) return false;
    refusals.store(0, std::memory_order_relaxed);
    return true;
}

bool on_alternate_stack() noexcept {
    const kept_errno keep_errno;
    stack_t stack;
    return sigaltstack(nullptr, &stack) == 0 && (stack.ss_flags & SS_ONSTACK) != 0;
}

// --- the inside word
// ------------------------------------------------------------------------------

bool inside::enter(std::uintptr_t frame) noexcept {
    const std::uintptr_t here = frame != 0 ? frame : stack_pointer();
    thread_heap *own = this_thread.own;
    const std::uintptr_t held =
        this_thread.slow != 0 || own == nullptr ? this_thread.slow : own->hot.inside;
    if (held != 0) {
        // Who holds the word stands deeper on the stack than its own caller; if the stack is
        // shorter than that by now, a longjmp out of a signal handler cut it off.
        // Above the thread's own stack runs a handler on another one, whatever the kernel says of
        // it.
        const bool elsewhere = own != nullptr && here > this_thread.stack_top;
        if (here < held || elsewhere || on_alternate_stack()) return false;
        abandon_own_heap();
        own = nullptr;
    }
    this_thread.slow = stack_pointer();
    if (own != nullptr) {
        own->hot.inside = this_thread.slow;
        own->hot.current = nullptr;
    }
    signal_fence();
    notice_fork();
    return true;
}

void inside::leave() noexcept {
    signal_fence();
    if (thread_heap *own = this_thread.own; own != nullptr) {
        own->hot.current = own->current;
        this_thread.hot = &own->hot;
        const bool pushes = malloc_pushes_itself() && own->hot.stack_size == any_stack;
        const bool has_room = (own->hot.limit | own->hot.brief_limit) != 0;
        this_thread.open = pushes && has_room ? &own->hot : &no_words;
        give_inside_word(own->hot);
    }
    signal_fence();
    this_thread.slow = 0;
}

} // namespace scratch::shim
