/* scratch: temporary memory on a stack of its own.
 *
 * A stack is a large range of reserved addresses with memory put behind it step by step. A push
 * takes the next bytes, a mark remembers how far the stack reaches, and a restore gives everything
 * above the mark back at once:
 *
 *     scratch_stack *stack = scratch_this_thread();
 *     SCRATCH_SCOPE(stack);                               // given back at the closing brace
 *     char *line = scratch_printf(stack, "%s:%d", file, number);
 *
 * Rules that hold for all of it, and are not repeated below:
 *
 * Units: sizes are bytes, counts are elements.
 *
 * Alignment: a power of two, else EINVAL. Blocks are aligned to 16 at least.
 *
 * Size 0: such a block has an address of its own, as malloc's has.
 *
 * Ownership: a block belongs to its stack, and is good until the stack is restored to a mark from
 * before its push, or until it is popped or given back. Stacks grow upward and never move.
 *
 * Threads: a stack belongs to one thread, the one that has created it or taken it over, and only
 * that thread may pass it to a function; scratch_visit looks at all. A thread's own stacks cannot
 * be handed on. Blocks are memory like any other: what other threads may see of them is up to you.
 * No function takes a lock.
 *
 * Errors: the forms with `try` return null (or false) with errno ENOMEM where there is no room, and
 * EINVAL for a bad argument. The others are never null: they call the out-of-memory handler, and
 * stop the program with a message if it does not help. Both leave the stack as it was, and success
 * leaves errno as it was.
 *
 * Forking: a child of fork keeps its thread's stacks and the created ones; the stacks of its
 * parent's other threads are given back in the child.
 *
 * Signals: a handler may use stacks of its own, and must not use one that it may have interrupted.
 *
 * C11 and C++20; C++ has more in scratch.hpp. Names that end in an underscore are for this header
 * only. The small functions are inlined and exported by the library as well; a change to what is
 * inlined changes SCRATCH_ABI. */
#ifndef SCRATCH_SCRATCH_H
#define SCRATCH_SCRATCH_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <scratch/support.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Types. */

/** A stack. Users hold pointers to it and do not touch its members. */
typedef struct scratch_stack scratch_stack;

/** A place on a stack to go back to: one word, passed by value. It means something to its own stack
 * only, and nothing once the stack went back below it. Later places compare greater. */
typedef uintptr_t scratch_mark;

/** A scope that is open: what SCRATCH_SCOPE declares. `stack` may be read. */
typedef struct scratch_scope {
    scratch_stack *stack;
    scratch_mark mark;
} scratch_scope;

/** How a stack is to be made. Zero in a field asks for its default, so name only what differs:
 *  `scratch_stack_create(&(scratch_options){.name = "parser", .reserve = 1 << 30})`. */
typedef struct scratch_options {
    const char
        *name;      /**< for reports and statistics; copied, cut after 31 bytes. Default "stack" */
    size_t reserve; /**< bytes of addresses. Default 16 GiB, less where that cannot be had; a size
                       that is given is had in full or not at all */
    size_t keep; /**< memory held above the top after a restore: once it passes twice this, all but
                      this is given back to the system. Default: everything is kept */
    unsigned flags; /**< SCRATCH_HUGE_PAGES, SCRATCH_CHECKED */
} scratch_options;

enum {
    SCRATCH_HUGE_PAGES = 1, /**< ask the system for huge pages */
    SCRATCH_CHECKED = 2 /**< enforce the owner rule and the nesting of scopes, fill what is given
                             back. Every stack of a library built with debug_checks has it */
};

/* Stacks. */

/** A new stack, owned by the calling thread; `options` may be null for all defaults, and is not
 * kept. Guard pages stand at both ends. It takes addresses only until its first push. Null with
 * ENOMEM, or EINVAL for flags that do not exist. Destroy it with scratch_stack_destroy. */
SCRATCH_API scratch_stack *scratch_stack_create(const scratch_options *options);

/** Restores a stack to empty, which runs what was deferred, and gives its memory and addresses
 * back. Null is fine. For the owner, or for anybody once no thread uses it any more. A thread's own
 * stack is emptied, gives its memory back and stays usable. */
SCRATCH_API void scratch_stack_destroy(scratch_stack *stack);

/** The calling thread's own stack. It costs nothing until its first push, and is given back,
 * without running what was deferred, some time after the thread has ended. Never null: what cannot
 * be had shows at the first push. */
SCRATCH_INLINE scratch_stack *scratch_this_thread(void);

/** A stack of the calling thread that is none of the `count` in `conflicts`, which may be null for
 * none; further ones are made on demand, and kept as long as the thread lives. For a function that
 * returns results on a stack of its caller and needs scratch memory too. Calls the out-of-memory
 * handler of the thread's stack if no further one can be made. */
SCRATCH_API scratch_stack *scratch_avoiding(scratch_stack *const *conflicts, size_t count);

/** scratch_avoiding that returns null with ENOMEM instead. */
SCRATCH_API scratch_stack *scratch_try_avoiding(scratch_stack *const *conflicts, size_t count);

/** Lets go of a created stack, so that another thread may take it over; nobody may push, pop or
 * restore in between. Only a checked stack compares owners, and stops the program that breaks the
 * rule. The order between the two calls is the caller's to make (a queue, a join). */
SCRATCH_API void scratch_hand_over(scratch_stack *stack);

/** Makes the calling thread the owner of a stack that was handed over. */
SCRATCH_API void scratch_take_over(scratch_stack *stack);

/* Blocks. */

/** A block of `size` bytes, not initialised. Sizes and alignments that are known when the program
 * is compiled make it five instructions. */
SCRATCH_INLINE void *scratch_push(scratch_stack *stack, size_t size, size_t alignment);
SCRATCH_INLINE void *scratch_try_push(scratch_stack *stack, size_t size, size_t alignment);

/** A block of `size` zeros. Memory that was never used since the system gave it is known to be zero
 * and is not cleared again. */
SCRATCH_INLINE void *scratch_push_zero(scratch_stack *stack, size_t size, size_t alignment);
SCRATCH_INLINE void *scratch_try_push_zero(scratch_stack *stack, size_t size, size_t alignment);

/** Gives a block back if it is the last one, with the padding that its alignment took and the
 * blocks right under it that were given back before. False, and nothing changed, in every build, if
 * it is not the last. `size` is the one that it was pushed or resized with. A deferred function
 * counts as a block of its own. */
SCRATCH_INLINE bool scratch_pop(scratch_stack *stack, void *block, size_t size);

/** Gives a block back for good, which nothing may use from then on: at once if it is the last one,
 * else together with the last block above it. What containers call when they let a buffer go. */
SCRATCH_INLINE void scratch_give_back(scratch_stack *stack, void *block, size_t size);

/** Changes the size of a block and returns it: in place when it is the last one or shrinks, else as
 * a copy on top (the old bytes stay until a restore). `old_size` is the size that it has. Copied
 * too is a block that does not lie at a multiple of `alignment`, and one that shrinks by less than
 * 64 bytes to a multiple of 1024, since those take 64 bytes more than their size. What it grew by
 * is not initialised. One that shrinks while it is not the last keeps its room until a restore, and
 * cannot be popped with its new size. A null block is a push. On failure the block is as it was. */
SCRATCH_API void *scratch_resize(scratch_stack *stack, void *block, size_t old_size,
                                 size_t new_size, size_t alignment);
SCRATCH_API void *scratch_try_resize(scratch_stack *stack, void *block, size_t old_size,
                                     size_t new_size, size_t alignment);

/** True if `address` lies in a block of the stack, or in padding between blocks. Any address may be
 * asked about, null too. */
SCRATCH_API bool scratch_owns(const scratch_stack *stack, const void *address);

/* Typed blocks: a pointer to T, aligned as T is. Counts that overflow are out of memory, not a
 * small block. The arguments are evaluated once. */

#define scratch_push_struct(stack, T) SCRATCH_STRUCT_(scratch_push, stack, T)
#define scratch_push_struct_zero(stack, T) SCRATCH_STRUCT_(scratch_push_zero, stack, T)
#define scratch_push_array(stack, T, count) SCRATCH_ARRAY_(scratch_push, stack, T, count)
#define scratch_push_array_zero(stack, T, count) SCRATCH_ARRAY_(scratch_push_zero, stack, T, count)
#define scratch_try_push_struct(stack, T) SCRATCH_STRUCT_(scratch_try_push, stack, T)
#define scratch_try_push_struct_zero(stack, T) SCRATCH_STRUCT_(scratch_try_push_zero, stack, T)
#define scratch_try_push_array(stack, T, count) SCRATCH_ARRAY_(scratch_try_push, stack, T, count)
#define scratch_try_push_array_zero(stack, T, count)                                               \
    SCRATCH_ARRAY_(scratch_try_push_zero, stack, T, count)

/** A T whose flexible array `member` has `count` elements. */
#define scratch_push_flex(stack, T, member, count)                                                 \
    SCRATCH_FLEX_(scratch_push, stack, T, member, count)
#define scratch_push_flex_zero(stack, T, member, count)                                            \
    SCRATCH_FLEX_(scratch_push_zero, stack, T, member, count)
#define scratch_try_push_flex(stack, T, member, count)                                             \
    SCRATCH_FLEX_(scratch_try_push, stack, T, member, count)
#define scratch_try_push_flex_zero(stack, T, member, count)                                        \
    SCRATCH_FLEX_(scratch_try_push_zero, stack, T, member, count)

/* Marks and scopes. */

/** The place that the stack has reached. Never fails. */
SCRATCH_INLINE scratch_mark scratch_save(const scratch_stack *stack);

/** Gives everything pushed since the mark back, newest first, and runs what was deferred since. The
 *  same push then gives the same address. False, and nothing changed, for a mark above the top: an
 *  outer scope has given it back already. A checked stack stops the program instead, and names the
 *  scopes, also where the mark lies under a scope that is still open. */
SCRATCH_INLINE bool scratch_restore(scratch_stack *stack, scratch_mark mark);

/** Opens a scope until the end of the block that it stands in: there, on return, break and goto,
 * and in C++ when an exception passes, the stack is restored to where it was. Not where longjmp
 * leaves it: then an outer scope or restore gives back what was pushed. */
#define SCRATCH_SCOPE(stack) SCRATCH_SCOPE_NAMED(stack, SCRATCH_PLACE_)
/** SCRATCH_SCOPE with a name for reports, instead of its file and line; it must outlive the scope.
 */
#define SCRATCH_SCOPE_NAMED(stack, name)                                                           \
    __attribute__((cleanup(scratch_scope_end), unused)) scratch_scope SCRATCH_JOIN_(               \
        scratch_scope_, __LINE__) = scratch_scope_begin((stack), (name))

/** What SCRATCH_SCOPE is made of, for languages and places that need both ends apart. Scopes of one
 * stack end in the reverse order of their beginnings; a checked stack stops the program that breaks
 * the rule, and names both. `name` is for reports, is not copied, and must outlive the scope. */
SCRATCH_INLINE scratch_scope scratch_scope_begin(scratch_stack *stack, const char *name);
SCRATCH_INLINE void scratch_scope_end(scratch_scope *scope);

/** A push on the stack of a scope that must be its innermost one: on a checked stack a push on an
 * outer scope, whose block an inner one would give back, stops the program and names both. */
SCRATCH_INLINE void *scratch_scope_push(scratch_scope *scope, size_t size, size_t alignment);
SCRATCH_INLINE void *scratch_try_scope_push(scratch_scope *scope, size_t size, size_t alignment);

/* Deferred functions. */

/** Calls `function(argument)` when the stack is restored below this place, or destroyed; once, the
 * newest first. The blocks pushed before and after are still there during the call, and the stack
 * may be used in it. It is not called where the thread or the process ends with the scope still
 * open. */
SCRATCH_API void scratch_defer(scratch_stack *stack, void (*function)(void *argument),
                               void *argument);
/** False with ENOMEM instead of the out-of-memory handler. */
SCRATCH_API bool scratch_try_defer(scratch_stack *stack, void (*function)(void *argument),
                                   void *argument);

/* Text and bytes. */

/** What printf would print, as a block with a terminating zero, aligned to 16. EINVAL where the
 * format or its arguments cannot be converted: the forms without `try` stop the program then. The
 * `v` forms leave `arguments` undefined, as vprintf does. */
SCRATCH_API char *scratch_printf(scratch_stack *stack, const char *format, ...)
    SCRATCH_PRINTF_(2, 3);
SCRATCH_API char *scratch_try_printf(scratch_stack *stack, const char *format, ...)
    SCRATCH_PRINTF_(2, 3);
SCRATCH_API char *scratch_vprintf(scratch_stack *stack, const char *format, va_list arguments)
    SCRATCH_PRINTF_(2, 0);
SCRATCH_API char *scratch_try_vprintf(scratch_stack *stack, const char *format, va_list arguments)
    SCRATCH_PRINTF_(2, 0);

/** Copies of a string with its terminating zero, and of `size` bytes, which may lie on the same
 * stack; `bytes` may be null for a size of 0. */
SCRATCH_API char *scratch_strdup(scratch_stack *stack, const char *text);
SCRATCH_API char *scratch_try_strdup(scratch_stack *stack, const char *text);
SCRATCH_API void *scratch_memdup(scratch_stack *stack, const void *bytes, size_t size,
                                 size_t alignment);
SCRATCH_API void *scratch_try_memdup(scratch_stack *stack, const void *bytes, size_t size,
                                     size_t alignment);

/** A block that grows: opened, appended to, closed. In place as long as nothing else is pushed on
 * its stack, by copying where something was. Members may be read. It belongs to its stack like any
 * block: one that is never closed needs nothing. */
typedef struct scratch_growing {
    scratch_stack *stack;
    char *bytes; /**< where the block is now; an append may move it */
    size_t size; /**< bytes appended so far */
    size_t alignment;
} scratch_growing;

/** Opens an empty block, aligned to `alignment` wherever it moves. */
SCRATCH_API scratch_growing scratch_open(scratch_stack *stack, size_t alignment);
/** `bytes` is null in the result, with ENOMEM or EINVAL. */
SCRATCH_API scratch_growing scratch_try_open(scratch_stack *stack, size_t alignment);

/** Adds `size` bytes, copied from `bytes` unless that is null, and returns where they are now.
 * `bytes` may lie in the block itself. */
SCRATCH_API void *scratch_append(scratch_growing *growing, const void *bytes, size_t size);
SCRATCH_API void *scratch_try_append(scratch_growing *growing, const void *bytes, size_t size);

/** Ends the growing and returns the block, of `growing->size` bytes, to be popped or resized like
 * any other. Nothing may be appended any more. */
SCRATCH_API void *scratch_close(scratch_growing *growing);

/* Frames: N stacks in turn, for work that is read until N rounds later. */

/** Belongs to the thread that made it, as its stacks do. */
typedef struct scratch_frames scratch_frames;

/** `count` stacks, each made with `options` (null for all defaults). Null with ENOMEM, or EINVAL
 * for a count of 0. Destroy them with scratch_frames_destroy. */
SCRATCH_API scratch_frames *scratch_frames_create(size_t count, const scratch_options *options);

/** Starts the next frame and returns its empty stack; what was deferred on it before runs. What was
 * pushed in frame k is valid until frame k + count begins. Never null. Do not destroy the stack. */
SCRATCH_API scratch_stack *scratch_frames_begin(scratch_frames *frames);

/** Destroys all stacks of the frames, which runs what was deferred. Null is fine. */
SCRATCH_API void scratch_frames_destroy(scratch_frames *frames);

/* Bytes. Beside libc's own because they are faster at some sizes, and call it at the others (which,
 * and by how much: core/fill.cpp). For any memory, any alignment and any thread; they never fail.
 */

/** Sets `size` bytes to the lowest byte of `byte`, and returns `target`. */
SCRATCH_INLINE void *scratch_fill(void *target, int byte, size_t size);

/** Copies `size` bytes between places that do not overlap, and returns `target`. */
SCRATCH_INLINE void *scratch_copy(void *SCRATCH_RESTRICT_ target,
                                  const void *SCRATCH_RESTRICT_ source, size_t size);

/* Memory and statistics. */

/** Gives memory above the top back to the system, all but `keep` bytes, and that of threads which
 * have ended; returns the bytes of this stack given back, 0 too where the system refuses. Addresses
 * are kept, and the memory comes back, zeroed, when it is pushed again. */
SCRATCH_API size_t scratch_trim(scratch_stack *stack, size_t keep);

typedef struct scratch_statistics {
    char name[32];     /**< ends with a zero */
    size_t used;       /**< bytes between the bottom and the top, padding included */
    size_t high_water; /**< most bytes ever used, rounded up to a page */
    size_t touched;    /**< bytes that may have memory behind them now */
    size_t committed;  /**< bytes that can be used without a system call */
    size_t reserved;   /**< bytes of addresses that blocks can use */
    size_t commits;    /**< times that the committed bytes grew */
    size_t populated;  /**< bytes put in place ahead of use, all told */
    size_t trimmed;    /**< bytes given back to the system, all told */
    bool of_thread;    /**< made for a thread, not by scratch_stack_create */
} scratch_statistics;

/** The statistics of one stack, by value. Those of a thread's stack not used yet are zero. */
SCRATCH_API scratch_statistics scratch_stats(const scratch_stack *stack);

/** Calls `visit` for every stack of the process, those of other threads included, until it returns
 * false. From any thread, and `visit` may do anything; a stack that is made or destroyed meanwhile
 * may be left out. Figures are as of the stack's last commit or trim, the caller's own included;
 * scratch_stats is exact. `statistics` is good during the call. */
SCRATCH_API void scratch_visit(bool (*visit)(const scratch_statistics *statistics, void *context),
                               void *context);

/** Called on the owner's thread when a form without `try` finds no room for `size` bytes: return
 * true after having made room to try again, false to give up (a message, then abort). It may leave
 * by longjmp or an exception: the stack is as it was. */
typedef bool (*scratch_oom_handler)(scratch_stack *stack, size_t size, void *context);

/** Sets the handler of one stack, or of all that have none of their own where `stack` is null, and
 * what it is called with; a null handler takes it away. The common one may be set from any thread,
 * before others may need it. */
SCRATCH_API void scratch_set_oom(scratch_stack *stack, scratch_oom_handler handler, void *context);

#include <scratch/inline.h>

#ifdef __cplusplus
}
#endif

#endif
