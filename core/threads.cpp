#include "core/threads.hpp"

#include "core/checks.hpp"
#include "core/pages.hpp"
#include "core/registry.hpp"

#include <cerrno>
#include <new>

SCRATCH_TLS_ scratch_stack scratch_thread_stack_{0, 0, 0, nullptr};

namespace scratch {
namespace threads {
namespace {

constexpr scratch_options thread_options{"thread", 0, 0, 0};

// Slots looked at when a thread starts its stack or one grows: each may cost a question to the
// kernel. One dead thread in some is enough, since every start takes one stack away.
constexpr int looks = 4;

/// The process that has sorted its slots out, on a page of its own that reads 0 in a child of fork.
struct process_word {
    std::atomic<tasks::task_id> process;
};

constinit std::atomic<process_word *> known_process{nullptr};

/// Null where there is no memory.
process_word *process_of_slots() noexcept {
    process_word *word = known_process.load(std::memory_order_acquire);
    if (word != nullptr) return word;
    const std::size_t page = pages::page_size();
    void *const memory = pages::reserve(page, page);
    if (memory == nullptr) return nullptr;
    if (!pages::commit(memory, page)) {
        pages::release(memory, page);
        return nullptr;
    }
    // Where wiping is refused, a child finds its parent's number, and gives nothing back.
    pages::wipe_on_fork(memory, page);
    auto *const made = new (memory) process_word{tasks::this_process()};
    if (known_process.compare_exchange_strong(word, made, std::memory_order_acq_rel)) return made;
    pages::release(memory, page);
    return word;
}

bool belongs_to_thread(slot_owner owner) noexcept {
    return owner.task != task::nobody && owner.task != task::being_changed &&
           owner.task != task::the_program;
}

bool is_mine(const stack_state &slot) noexcept {
    for (const stack_state *at = scratch_thread_stack_.state; at != nullptr;
         at = at->next_of_thread) {
        if (at == &slot) return true;
    }
    return false;
}

void report_open_scope(const stack_state &slot, tasks::task_id thread) noexcept {
    if (!slot.checked) return;
    const scope_record *const scope = innermost_scope(slot, slot.base);
    if (scope == nullptr) return;
    checks::message report;
    report.text("scratch: thread ").number(thread).text(" ended inside scope ").quoted(scope->name);
    report.text("; what its open scopes deferred was not run").write();
}

/// In the one thread that a fork has left: its slots get their new numbers, those of the parent's
/// other threads are given back. Threads that this process has started meanwhile carry its number
/// already.
void sort_out_after_fork(tasks::task_id process) noexcept {
    registry::cursor slots;
    while (stack_state *const slot = slots.next()) {
        const slot_owner owner = slot->owner.load(std::memory_order_acquire);
        if (!belongs_to_thread(owner) || slot->process.load(std::memory_order_relaxed) == process)
            continue;
        if (!registry::seize(*slot, owner)) continue;
        if (is_mine(*slot)) {
            slot->process.store(process, std::memory_order_relaxed);
            registry::settle(*slot, tasks::calling_thread());
        } else {
            close_reservation(*slot);
            registry::settle(*slot, task::nobody);
        }
    }
}

/// True if the slots that carry this process's number are to be judged by it. Not in a child of
/// vfork, which has another number in its parent's memory.
bool may_judge(tasks::task_id process) noexcept {
    process_word *const word = process_of_slots();
    if (word == nullptr) return false;
    const tasks::task_id sorted = word->process.load(std::memory_order_acquire);
    if (sorted == process) return true;
    // A child of fork; its first thread knows which slots are its own.
    if (sorted != 0 || !tasks::is_first_thread()) return false;
    sort_out_after_fork(process);
    word->process.store(process, std::memory_order_release);
    return true;
}

/// Takes a slot from a thread of this process that is dead. Its stack is as the thread left it.
bool seize_from_dead(stack_state &slot, tasks::task_id process, tasks::task_id thread) noexcept {
    const slot_owner owner = slot.owner.load(std::memory_order_acquire);
    if (!belongs_to_thread(owner) || slot.process.load(std::memory_order_relaxed) != process)
        return false;
    // The kernel uses numbers again: whoever had ours before us is dead.
    const bool dead = owner.task == thread ? !is_mine(slot) : tasks::is_gone(process, owner.task);
    if (!dead || !registry::seize(slot, owner)) return false;
    // What the thread did last is in memory, since the kernel knows it no more; that was heard
    // before anything of it is read.
    std::atomic_thread_fence(std::memory_order_acquire);
    report_open_scope(slot, owner.task);
    return true;
}

bool bury(stack_state &slot, tasks::task_id process, tasks::task_id thread) noexcept {
    if (!seize_from_dead(slot, process, thread)) return false;
    close_reservation(slot);
    registry::settle(slot, task::nobody);
    return true;
}

} // namespace

stack_state *start(scratch_stack *words) noexcept {
    const tasks::task_id process = tasks::this_process();
    const tasks::task_id thread = tasks::calling_thread();
    const auto own = [&](stack_state &slot) {
        slot.process.store(process, std::memory_order_relaxed);
        registry::settle(slot, thread);
        return &slot;
    };
    if (may_judge(process)) {
        for (int look = 0; look < looks; ++look) {
            stack_state &slot = *registry::next_of_round();
            if (!seize_from_dead(slot, process, thread)) continue;
            reopen_reservation(slot, words, thread_options);
            return own(slot);
        }
    }
    stack_state *const slot = registry::take();
    if (slot == nullptr) return nullptr;
    if (!open_reservation(*slot, words, thread_options)) {
        registry::settle(*slot, task::nobody);
        return nullptr;
    }
    return own(*slot);
}

void bury_some() noexcept {
    const tasks::task_id process = tasks::this_process();
    if (!may_judge(process)) return;
    const tasks::task_id thread = tasks::calling_thread();
    for (int look = 0; look < looks; ++look)
        bury(*registry::next_of_round(), process, thread);
}

void bury_all() noexcept {
    const tasks::task_id process = tasks::this_process();
    if (!may_judge(process)) return;
    const tasks::task_id thread = tasks::calling_thread();
    registry::cursor slots;
    while (stack_state *const slot = slots.next())
        bury(*slot, process, thread);
}

} // namespace threads

stack_state *state_of(scratch_stack *stack) noexcept {
    if (stack->state != nullptr) return stack->state;
    if (stack == &scratch_thread_stack_) return threads::start(stack);
    // The stack of another thread that has not used it yet.
    errno = EINVAL;
    return nullptr;
}

} // namespace scratch

using namespace scratch;

extern "C" {

scratch_stack *scratch_try_avoiding(scratch_stack *const *conflicts, size_t count) {
    const auto conflicting = [=](const scratch_stack *stack) {
        for (size_t index = 0; index < count; ++index) {
            if (conflicts[index] == stack) return true;
        }
        return false;
    };
    scratch_stack *const first = scratch_this_thread();
    if (!conflicting(first)) return first;
    stack_state *last = state_of(first);
    if (last == nullptr) return nullptr;
    while (last->next_of_thread != nullptr) {
        last = last->next_of_thread;
        if (!conflicting(last->stack)) return last->stack;
    }
    stack_state *const further = threads::start(nullptr);
    if (further == nullptr) return nullptr;
    last->next_of_thread = further;
    return further->stack;
}

scratch_stack *scratch_avoiding(scratch_stack *const *conflicts, size_t count) {
    for (;;) {
        scratch_stack *const stack = scratch_try_avoiding(conflicts, count);
        if (stack != nullptr) return stack;
        make_room(scratch_this_thread(), 0);
    }
}
}
