// One stack, behind the words that programs see.
//
//   reservation  [ guard | base ... in use ... top ... touched ... committed ... end | guard ]
//
// `touched` is what may hold something else than zeros; it moves in pages, ahead of the top, and is
// the `limit` of an unchecked stack. Only set_top (stack.cpp) moves a top on a slow path, and all
// poisoning and filling happens there. A stack is checked where each push and restore must be seen:
// by request, in a debug build, under AddressSanitizer and Valgrind; then limit and hook stay at
// the top, which closes the inlined paths of programs that were compiled without knowing.
#pragma once

#include "core/bump.hpp"
#include "core/tasks.hpp"

#include <scratch/scratch.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace scratch {

/// What stands on the stack itself, newest first, for a restore to take back.
enum class record_kind : std::uintptr_t {
    padding, ///< bytes skipped for the alignment of the block that follows
    hole,    ///< a block that was given back while it was not the last
    deferred,
    scope, ///< on checked stacks only
};

struct record {
    std::uintptr_t
        previous_and_kind; ///< records stand at multiples of granule, so the low bits are free

    record *previous() const {
        return reinterpret_cast<record *>(previous_and_kind & ~std::uintptr_t{15});
    }
    record_kind kind() const { return static_cast<record_kind>(previous_and_kind & 15); }
    std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(this); }
};

/// The first word of a record.
inline std::uintptr_t link_to(const record *previous, record_kind kind) {
    return reinterpret_cast<std::uintptr_t>(previous) | static_cast<std::uintptr_t>(kind);
}

struct padding_record : record {
    std::uintptr_t block;
};
static_assert(sizeof(padding_record) <= bump::granule, "must fit in the smallest padding");

struct hole_record : record {
    std::uintptr_t end;
};
static_assert(sizeof(hole_record) <= bump::granule, "must fit in the smallest block");

struct deferred_record : record {
    void (*function)(void *);
    void *argument;
};

struct scope_record : record {
    const char *name;
};

/// Who a slot belongs to, in one word that changes at once. The turn counts owners, so that a slot
/// which changed hands and came back is not taken for unchanged.
struct alignas(8) slot_owner {
    tasks::task_id task;
    std::uint32_t turn;
};

namespace task {
constexpr tasks::task_id nobody = 0;             ///< the slot is free
constexpr tasks::task_id being_changed = ~0U;    ///< somebody is at work on it
constexpr tasks::task_id the_program = ~0U - 1U; ///< made by scratch_stack_create
} // namespace task

/// Written by the owner on slow paths, read by any thread that asks.
struct shared_figures {
    std::atomic<std::size_t> used, high_water, touched, committed, reserved;
    std::atomic<std::size_t> commits, populated, trimmed;
    std::atomic<std::uint64_t> name[4];
};

} // namespace scratch

/// The rest of a stack: a slot of the registry, never unmapped.
struct alignas(64) scratch_stack_state_ {
    // For all threads.
    std::atomic<scratch::slot_owner> owner;
    std::atomic<scratch::tasks::task_id> process; ///< of the owning task; see threads.cpp
    scratch::shared_figures figures;
    std::atomic<const void *> user; ///< the thread that may push, by its thread_identity()

    // For the owner.
    scratch_stack words;  ///< of every stack but a thread's first, whose words are thread-local
    scratch_stack *stack; ///< the words in use
    void *reservation;
    std::size_t reservation_size;
    std::uintptr_t base, end;
    std::uintptr_t touched, committed;
    std::uintptr_t peak;      ///< the most that touched ever was
    std::uintptr_t populated; ///< put in place ahead of use up to here
    std::size_t populate_step;
    scratch::record *newest;
    scratch_stack_state_ *next_of_thread;
    scratch_oom_handler oom;
    void *oom_context;
    std::size_t keep; ///< SIZE_MAX: everything
    std::size_t redzone;
    unsigned flags;
    bool checked;
    char name[32];
};

namespace scratch {

using stack_state = scratch_stack_state_;

/// True where every stack is checked: a debug build, or a memory checker at work.
bool checked_by_default() noexcept;

/// Never null where the stack can be used: starts a thread's stack. Null with ENOMEM.
stack_state *state_of(scratch_stack *stack) noexcept;

// Blocks. All leave the stack unchanged on failure.

/// Null with ENOMEM or EINVAL. `fresh` gets the address from which on the block is known to be
/// zero.
void *push(scratch_stack *stack, std::size_t size, std::size_t alignment,
           std::uintptr_t *fresh) noexcept;
void *push(scratch_stack *stack, std::size_t size, std::size_t alignment) noexcept;
bool pop(scratch_stack *stack, void *block, std::size_t size) noexcept;
void give_back(scratch_stack *stack, void *block, std::size_t size) noexcept;
void *resize(scratch_stack *stack, void *block, std::size_t old_size, std::size_t new_size,
             std::size_t alignment) noexcept;

/// True if `block` is the last one and had `size` bytes.
bool is_last(const stack_state &state, const void *block, std::size_t size) noexcept;

/// The choke point: moves the top, tells the memory checkers, and closes or opens the inlined
/// paths.
void set_top(stack_state &state, std::uintptr_t top) noexcept;

// Growth (growth.cpp).

/// Makes everything below `top` usable. False with ENOMEM.
bool grow(stack_state &state, std::uintptr_t top) noexcept;
/// Gives memory above the top back, all but `keep` bytes.
std::size_t trim(stack_state &state, std::size_t keep) noexcept;
/// True while a restore may have to trim.
bool holds_too_much(const stack_state &state) noexcept;

// Reservation (reservation.cpp).

/// Reserves addresses and readies an empty stack on them. False with ENOMEM, nothing taken.
bool open_reservation(stack_state &state, scratch_stack *words,
                      const scratch_options &options) noexcept;
/// Empties a stack whose owner is gone, for another; nothing that was deferred runs.
void reopen_reservation(stack_state &state, scratch_stack *words,
                        const scratch_options &options) noexcept;
void close_reservation(stack_state &state) noexcept;

// Records (records.cpp).

/// Room for a record, linked as the newest. Null with ENOMEM.
record *push_record(scratch_stack *stack, record_kind kind, std::size_t size) noexcept;
bool defer(scratch_stack *stack, void (*function)(void *), void *argument) noexcept;
/// Notes that a block is gone, for the pop of the block above it.
void leave_hole(stack_state &state, void *block, std::size_t size) noexcept;
/// Where the top belongs once a block at `start` is popped: its padding and the holes under it go
/// too.
std::uintptr_t take_holes(stack_state &state, std::uintptr_t start) noexcept;
/// Takes back everything at and above `mark`, which lies between base and top. May run functions
/// that leave by an exception.
void unwind(stack_state &state, std::uintptr_t mark);
/// The address that the inlined restore may not pass, as far as records go.
std::uintptr_t record_hook(const stack_state &state) noexcept;
/// The innermost open scope at or above `mark`, or null; only checked stacks have them.
const scope_record *innermost_scope(const stack_state &state, std::uintptr_t mark) noexcept;

/// Calls the out-of-memory handler. True to try again; stops the program if nobody helps.
bool make_room(scratch_stack *stack, std::size_t size);

/// Writes what the owner knows where other threads may read it.
void publish_figures(stack_state &state) noexcept;

/// Tells threads apart, also across fork: where the thread's own words lie.
inline const void *thread_identity() noexcept { return &scratch_thread_stack_; }

} // namespace scratch
