/* The bodies of what scratch.h inlines. Not to be included by itself.
 *
 * Two words decide everything. `limit`: a push that stays below it needs nothing else; it is the
 * end of the memory known to be in use or used before, and equals `top` where each push must be
 * seen. `hook`: a restore or pop that stays above it needs nothing else; it covers the newest
 * deferred function or padding, and equals `top` where each must be seen. Both are 0, as is top,
 * before a thread's first use, so the slow path does the start without a check of its own here. */
#ifndef SCRATCH_INLINE_H
#define SCRATCH_INLINE_H

struct scratch_stack {
    uintptr_t top;                      /* a multiple of 16 */
    uintptr_t limit;                    /* not below top */
    uintptr_t hook;                     /* not above top */
    struct scratch_stack_state_ *state; /* the rest; null before a thread's first use */
};

extern SCRATCH_TLS_ scratch_stack scratch_thread_stack_;

/* Slow paths. */
SCRATCH_API void *scratch_push_slow_(scratch_stack *stack, size_t size, size_t alignment);
SCRATCH_API void *scratch_try_push_slow_(scratch_stack *stack, size_t size, size_t alignment);
SCRATCH_API void *scratch_push_zero_slow_(scratch_stack *stack, size_t size, size_t alignment);
SCRATCH_API void *scratch_try_push_zero_slow_(scratch_stack *stack, size_t size, size_t alignment);
SCRATCH_API void *scratch_scope_push_slow_(scratch_scope *scope, size_t size, size_t alignment);
SCRATCH_API void *scratch_try_scope_push_slow_(scratch_scope *scope, size_t size, size_t alignment);
SCRATCH_API void scratch_scope_check_(const scratch_scope *scope);
SCRATCH_API bool scratch_pop_slow_(scratch_stack *stack, void *block, size_t size);
SCRATCH_API void scratch_give_back_slow_(scratch_stack *stack, void *block, size_t size);
SCRATCH_API bool scratch_restore_slow_(scratch_stack *stack, scratch_mark mark);
SCRATCH_API scratch_mark scratch_scope_begin_slow_(scratch_stack *stack, const char *name);
SCRATCH_API void scratch_scope_end_slow_(scratch_scope *scope);
SCRATCH_API void *scratch_fill_slow_(void *target, int byte, size_t size);
SCRATCH_API void *scratch_copy_slow_(void *target, const void *source, size_t size);

/* Sizes that the compiler knows, and that cannot wrap when added to an address. */
#define SCRATCH_KNOWN_(size) (__builtin_constant_p(size) && (size)-1 < (SIZE_MAX >> 2))

SCRATCH_INLINE size_t scratch_block_size_(size_t size);
/* Multiples of 1 KiB take a cache line more, since blocks at such distances fall on the same cache
 * sets. 0 for a size of 0 and for those that wrap. */
SCRATCH_INLINE size_t scratch_block_size_(size_t size) {
    const size_t block = (size + 15) & ~(size_t)15;
    return SCRATCH_LIKELY_((block & 1023) != 0) || block == 0 ? block : block + 64;
}

SCRATCH_INLINE size_t scratch_array_size_(size_t count, size_t size, size_t before);
SCRATCH_INLINE size_t scratch_array_size_(size_t count, size_t size, size_t before) {
    size_t all = 0;
    return __builtin_mul_overflow(count, size, &all) || __builtin_add_overflow(all, before, &all)
               ? SIZE_MAX
               : all;
}

SCRATCH_INLINE size_t scratch_flex_size_(size_t count, size_t size, size_t before, size_t least);
SCRATCH_INLINE size_t scratch_flex_size_(size_t count, size_t size, size_t before, size_t least) {
    const size_t all = scratch_array_size_(count, size, before);
    return all < least ? least : all;
}

SCRATCH_INLINE scratch_stack *scratch_this_thread(void) {
    scratch_stack *stack = &scratch_thread_stack_;
    /* Hidden from the compiler, which would reach the words through the thread's segment register:
     * processors forward such stores late, and a push waits for the one before it. */
    __asm__("" : "+r"(stack));
    return stack;
}

/* Up to here the compiler's own stores of a known size beat a call: fill 0.67 at 16 bytes, 0.82 at
 * 64, 0.95 at 128 and 1.15 at 256; copy 0.78, 0.88, 1.05 and 1.12. Of larger sizes it is not told:
 * it would make string instructions of them, which start slowly.
 * (tests/bench/core/fill_and_copy.cpp) */
#define SCRATCH_FILLED_INLINE_ 128
#define SCRATCH_COPIED_INLINE_ 64

/* What libc does as well as anybody; see core/fill.cpp. */
#define SCRATCH_LIBC_BYTES_ 2048

SCRATCH_INLINE void *scratch_fill(void *target, int byte, size_t size) {
    if (__builtin_constant_p(size) && size <= SCRATCH_FILLED_INLINE_) {
        return __builtin_memset(target, byte, size);
    }
    if (size > SCRATCH_LIBC_BYTES_) return scratch_fill_slow_(target, byte, size);
    __asm__("" : "+r"(size));
    return __builtin_memset(target, byte, size);
}

SCRATCH_INLINE void *scratch_copy(void *SCRATCH_RESTRICT_ target,
                                  const void *SCRATCH_RESTRICT_ source, size_t size) {
    if (__builtin_constant_p(size) && size <= SCRATCH_COPIED_INLINE_) {
        return __builtin_memcpy(target, source, size);
    }
    if (size > SCRATCH_LIBC_BYTES_) return scratch_copy_slow_(target, source, size);
    __asm__("" : "+r"(size));
    return __builtin_memcpy(target, source, size);
}

/* Alignments that every top has, where the compiler knows them. */
#define SCRATCH_ALIGNED_ANYWAY_(alignment)                                                         \
    (__builtin_constant_p(alignment) && (alignment)-1 < 16 && ((alignment) & ((alignment)-1)) == 0)

/* Takes a block if it needs nothing but a new top; else null. */
SCRATCH_INLINE void *scratch_push_fast_(scratch_stack *stack, size_t size, size_t alignment);
SCRATCH_INLINE void *scratch_push_fast_(scratch_stack *stack, size_t size, size_t alignment) {
    const uintptr_t top = stack->top;
    /* A power of two that the top is a multiple of, in one test. 0 passes only before the first
     * use.
     */
    if (!SCRATCH_ALIGNED_ANYWAY_(alignment) && ((top | alignment) & (alignment - 1)) != 0) {
        return NULL;
    }
    const size_t block = scratch_block_size_(size);
    if (SCRATCH_KNOWN_(size)) {
        const uintptr_t end = top + block;
        if (SCRATCH_LIKELY_(end <= stack->limit)) {
            SCRATCH_PROMISE_(top != 0); /* limit would be 0 too */
            stack->top = end;
            return (void *)top;
        }
    } else if (SCRATCH_LIKELY_(block - 1 < stack->limit - top)) { /* 0 becomes the largest */
        SCRATCH_PROMISE_(top != 0);
        stack->top = top + block;
        return (void *)top;
    }
    return NULL;
}

SCRATCH_INLINE void *scratch_push(scratch_stack *stack, size_t size, size_t alignment) {
    void *const block = scratch_push_fast_(stack, size, alignment);
    return SCRATCH_LIKELY_(block != NULL) ? block : scratch_push_slow_(stack, size, alignment);
}

SCRATCH_INLINE void *scratch_try_push(scratch_stack *stack, size_t size, size_t alignment) {
    void *const block = scratch_push_fast_(stack, size, alignment);
    return SCRATCH_LIKELY_(block != NULL) ? block : scratch_try_push_slow_(stack, size, alignment);
}

SCRATCH_INLINE void *scratch_push_zero(scratch_stack *stack, size_t size, size_t alignment) {
    void *const block = scratch_push_fast_(stack, size, alignment);
    return SCRATCH_LIKELY_(block != NULL) ? scratch_fill(block, 0, size)
                                          : scratch_push_zero_slow_(stack, size, alignment);
}

SCRATCH_INLINE void *scratch_try_push_zero(scratch_stack *stack, size_t size, size_t alignment) {
    void *const block = scratch_push_fast_(stack, size, alignment);
    return SCRATCH_LIKELY_(block != NULL) ? scratch_fill(block, 0, size)
                                          : scratch_try_push_zero_slow_(stack, size, alignment);
}

SCRATCH_INLINE void *scratch_scope_push(scratch_scope *scope, size_t size, size_t alignment) {
    void *const block = scratch_push_fast_(scope->stack, size, alignment);
    return SCRATCH_LIKELY_(block != NULL) ? block
                                          : scratch_scope_push_slow_(scope, size, alignment);
}

SCRATCH_INLINE void *scratch_try_scope_push(scratch_scope *scope, size_t size, size_t alignment) {
    void *const block = scratch_push_fast_(scope->stack, size, alignment);
    return SCRATCH_LIKELY_(block != NULL) ? block
                                          : scratch_try_scope_push_slow_(scope, size, alignment);
}

/* The last block, above the hook. A size of 0, and sizes that wrap, would have it end at or below
 * its start: those are for the slow path. */
#define SCRATCH_POPS_(stack, start, size)                                                          \
    SCRATCH_LIKELY_((stack)->top - (start) == scratch_block_size_(size) &&                         \
                    (start) > (stack)->hook && (SCRATCH_KNOWN_(size) || (start) < (stack)->top))

SCRATCH_INLINE bool scratch_pop(scratch_stack *stack, void *block, size_t size) {
    if (SCRATCH_POPS_(stack, (uintptr_t)block, size)) {
        stack->top = (uintptr_t)block;
        return true;
    }
    return scratch_pop_slow_(stack, block, size);
}

SCRATCH_INLINE void scratch_give_back(scratch_stack *stack, void *block, size_t size) {
    if (SCRATCH_POPS_(stack, (uintptr_t)block, size)) {
        stack->top = (uintptr_t)block;
    } else {
        scratch_give_back_slow_(stack, block, size);
    }
}

SCRATCH_INLINE scratch_mark scratch_save(const scratch_stack *stack) { return stack->top; }

/* hook < mark <= top, in one comparison. */
#define SCRATCH_RESTORES_(stack, mark)                                                             \
    SCRATCH_LIKELY_((mark) - (stack)->hook - 1 < (stack)->top - (stack)->hook)

SCRATCH_INLINE bool scratch_restore(scratch_stack *stack, scratch_mark mark) {
    if (SCRATCH_RESTORES_(stack, mark)) {
        stack->top = mark;
        return true;
    }
    return scratch_restore_slow_(stack, mark);
}

SCRATCH_INLINE scratch_scope scratch_scope_begin(scratch_stack *stack, const char *name) {
    scratch_scope scope = {stack, stack->top};
    if (!SCRATCH_LIKELY_(stack->limit != stack->top)) {
        scope.mark = scratch_scope_begin_slow_(stack, name);
    }
    return scope;
}

SCRATCH_INLINE void scratch_scope_end(scratch_scope *scope) {
    if (SCRATCH_RESTORES_(scope->stack, scope->mark)) {
        scope->stack->top = scope->mark;
    } else {
        scratch_scope_end_slow_(scope);
    }
}

#endif
