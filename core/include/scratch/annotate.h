/*
 * Annotations: tell the shim which scopes and which calls use scratch memory.
 * For C11, C++11 and later.
 *
 * The header is all there is: nothing to link. A program that includes it runs as before without
 * the shim: each annotation is then a load and a branch, and scratch_alloc is malloc. Under
 * `scratch run -- PROGRAM` the same binary gets its memory from the thread's stack.
 *
 *     void handle(const struct request *request) {
 *         SCRATCH_REGION("handle");
 *         ... // what this thread allocates from here on is scratch, a library's memory too
 *     }
 *
 * Contents
 *     regions   SCRATCH_REGION, scratch_region_enter, scratch_region_leave, SCRATCH_TRUSTED
 *     frames    SCRATCH_FRAME, scratch_frame_turn
 *     calls     scratch_alloc, scratch_free
 *     binding   how the functions of the shim are found (no part of the interface)
 *
 * For all of them: a name is a short text for statistics, read during the call only; null is an
 * unnamed region. errno is kept, except by scratch_alloc where it fails, and nothing else can
 * fail: where the shim cannot help (not loaded, mode off, no address space left), the program
 * does what it does without it.
 *
 * SCRATCH_ANNOTATE_PROTOTYPES_ONLY, defined before the header is included, declares the functions
 * as the exports of the preloaded object that they are too, for who links or looks them up there.
 */
#ifndef SCRATCH_ANNOTATE_H
#define SCRATCH_ANNOTATE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#if defined(__cplusplus) && defined(__cpp_exceptions)
#include <exception>
#endif

/*
 * Always inline: the shim knows a region's block by the stack pointer, and a call's site by the
 * return address, of the function that calls it. Hidden, since libraries that were built with
 * another version of this header have their own.
 */
#if !defined(__cplusplus)
#define SCRATCH_ANNOTATE_INLINE_ __attribute__((always_inline)) static inline
#else
#define SCRATCH_ANNOTATE_INLINE_ __attribute__((always_inline, visibility("hidden"))) inline
#endif
#if !defined(SCRATCH_ANNOTATE_PROTOTYPES_ONLY)
#define SCRATCH_ANNOTATE_API_ SCRATCH_ANNOTATE_INLINE_
#elif defined(__cplusplus)
#define SCRATCH_ANNOTATE_API_ extern "C"
#else
#define SCRATCH_ANNOTATE_API_ extern
#endif

/* ---- regions --------------------------------------------------------------------------------- */

/*
 * What the end of a region does. Bits that a version does not know are ignored.
 *
 * SCRATCH_COUNTED (0, the default): what was freed in the region is reclaimed; a block that is
 * still live stays valid until it is freed, by any thread, however late. Always safe.
 *
 * SCRATCH_TRUSTED: everything that this thread allocated in the region is reclaimed at once, freed
 * or not. The caller promises that no such block is read, written, resized or freed after the end.
 * Mind what a library keeps: a cache, an error message, a container from outside that grew inside;
 * and a coroutine that is resumed in the region: it is this thread too, whatever stack it runs on.
 * What libc, the C++ runtime and the dynamic loader allocate for themselves is left out. Where the
 * end is not exact (out of order, by longjmp, on another thread), the region ends as a counted one.
 */
#define SCRATCH_COUNTED 0u
#define SCRATCH_TRUSTED 1u
/* Set in a token: its region ends as a counted one. */
#define SCRATCH_END_UNCERTAIN_ (UINT64_C(1) << 63)
/* Set by SCRATCH_REGION: over, at the latest, when the function that entered has returned. */
#define SCRATCH_OF_BLOCK_ 0x80000000u

/* An open region; value 0 is none. Passed by value, and good for one scratch_region_leave. */
typedef struct scratch_region_token {
    uint64_t value;
} scratch_region_token;

/*
 * SCRATCH_REGION(name)            the rest of the enclosing block is a region, counted
 * SCRATCH_REGION(name, flags)     the same with flags: SCRATCH_TRUSTED
 *
 * A declaration: stands where a variable can, at most one on a line. The region ends where the
 * block is left, by return, break or goto, in C++ by an exception too (in C, an exception that
 * passes needs -fexceptions; else the region ends late, as a counted one). Variables declared
 * after it are destroyed before its end. Regions nest; the innermost serves.
 * A region belongs to its thread: what other threads allocate is none of its business, and a
 * coroutine must not be suspended in it. As with any variable that has a destructor, no goto and
 * no case label may jump over it into its block.
 */
#define SCRATCH_REGION(...) SCRATCH_REGION_FLAGS_(__VA_ARGS__, SCRATCH_COUNTED, 0)

/*
 * The same where no block of code matches the region: enter in one function, leave in another, or
 * from another language. It stays open until it is left, or a region around it ends, or the thread.
 * Regions of a thread are left in the reverse order of entering, by the thread that entered them.
 * Leaving one ends the regions that are still open inside it, as counted ones. A token of another
 * thread, or one that was left already, is ignored. Without the shim, enter returns value 0; leave
 * of that does nothing.
 */
SCRATCH_ANNOTATE_API_ scratch_region_token scratch_region_enter(const char *name, unsigned flags);
SCRATCH_ANNOTATE_API_ void scratch_region_leave(scratch_region_token token);

/* ---- frames ---------------------------------------------------------------------------------- */

/*
 * SCRATCH_FRAME(name)             one turn of a loop begins here, counted
 * SCRATCH_FRAME(name, flags)      the same with flags: SCRATCH_TRUSTED
 *
 * A statement, once per turn. A turn is a region that no block of code bounds: it lasts until the
 * same thread begins the next turn of the same name (same text). So it serves event loops whose
 * turn is a callback. A loop in a block of its own, whose turns need nothing of one another, is
 * served better by SCRATCH_REGION in its body.
 *
 * What is allocated after the statement's function returned, up to the next turn, is the turn's.
 * The next turn ends the previous one, and turns of other names that began within it.
 *
 * A turn never outlasts a region around it: the end of that region ends the turn. Put a
 * SCRATCH_REGION around a loop that comes to an end; else its last turn stays open until the
 * thread ends.
 *
 * Only turns that began since the innermost open region was entered are looked at. In a region
 * that was entered during a turn, SCRATCH_FRAME begins a loop of its own, under the same name even.
 *
 * With SCRATCH_TRUSTED, what a turn allocated is gone when the next one begins: what the loop's
 * condition fetched for the next turn, too.
 */
#define SCRATCH_FRAME(...) SCRATCH_FRAME_FLAGS_(__VA_ARGS__, SCRATCH_COUNTED, 0)

SCRATCH_ANNOTATE_API_ void scratch_frame_turn(const char *name, unsigned flags);

/* ---- calls ----------------------------------------------------------------------------------- */

/*
 * scratch_alloc: malloc for a block that will not live long. The shim takes it from the stack, in
 * a region or not; outside trusted regions it is valid until it is freed, as any block. `size`
 * bytes, aligned to 16. The caller owns it and gives it back by scratch_free, free or realloc, on
 * any thread. Null with ENOMEM, as malloc.
 *
 * scratch_free: free for any block of malloc's family, of the shim or not (allocated before the
 * shim was there, or by the program's own malloc). Null is fine.
 */
SCRATCH_ANNOTATE_API_ void *scratch_alloc(size_t size) __attribute__((malloc, alloc_size(1)));
SCRATCH_ANNOTATE_API_ void scratch_free(void *block);

#ifndef SCRATCH_ANNOTATE_PROTOTYPES_ONLY

/* ---- binding --------------------------------------------------------------------------------- */

/*
 * A plain weak reference is resolved to null when a program that is not position independent is
 * linked, and never again. A load from the global offset table is left to the dynamic linker in
 * every kind of program, and reads null in static ones. Compilers emit it for position independent
 * code only, hence the assembly. It is not volatile: the entry never changes.
 *
 * Tried with the linkers bfd, gold and lld. mold 1.10 settles weak references of programs itself:
 * link annotated programs with another one, else the annotations do nothing.
 *
 * The names end in a version: what a shim once exported for a header keeps its meaning.
 */
typedef scratch_region_token scratch_annotate_region_enter_function(const char *name,
                                                                    unsigned flags);
typedef void scratch_annotate_region_leave_function(scratch_region_token token);
typedef void scratch_annotate_frame_turn_function(const char *name, unsigned flags);
/* Null: not from scratch, the caller asks malloc. */
typedef void *scratch_annotate_alloc_function(size_t size);
/* 0: no block of the shim, the caller hands it to free. */
typedef int scratch_annotate_free_function(void *block);

#if defined(__APPLE__)
#include <dlfcn.h>
/* dlsym once per use in the source; 1 means not looked up yet. Threads that race find the same. */
#define SCRATCH_ANNOTATE_BIND_(symbol, address)                                                    \
    static uintptr_t found = 1;                                                                    \
    uintptr_t word = __atomic_load_n(&found, __ATOMIC_RELAXED);                                    \
    if (word == 1) {                                                                               \
        word = (uintptr_t)dlsym(RTLD_DEFAULT, #symbol);                                            \
        __atomic_store_n(&found, word, __ATOMIC_RELAXED);                                          \
    }                                                                                              \
    *(address) = word
#elif defined(__x86_64__) && defined(__LP64__)
#define SCRATCH_ANNOTATE_BIND_(symbol, address)                                                    \
    __asm__(".weak " #symbol "\n\t"                                                                \
            "mov{q " #symbol "@GOTPCREL(%%rip), %0| %0, QWORD PTR " #symbol "@GOTPCREL[rip]}"      \
            : "=r"(*(address)))
#elif defined(__aarch64__) && defined(__LP64__)
#define SCRATCH_ANNOTATE_BIND_(symbol, address)                                                    \
    __asm__(".weak " #symbol "\n\t"                                                                \
            "adrp %0, :got:" #symbol "\n\t"                                                        \
            "ldr %0, [%0, #:got_lo12:" #symbol "]"                                                 \
            : "=r"(*(address)))
#elif defined(__riscv) && __riscv_xlen == 64
#define SCRATCH_ANNOTATE_BIND_(symbol, address)                                                    \
    __asm__(".weak " #symbol "\n\t"                                                                \
            "1: auipc %0, %%got_pcrel_hi(" #symbol ")\n\t"                                         \
            "ld %0, %%pcrel_lo(1b)(%0)"                                                            \
            : "=r"(*(address)))
#else
/* The shim is not built for these; the annotations do nothing. */
#define SCRATCH_ANNOTATE_BIND_(symbol, address) *(address) = 0
#endif

#ifdef __cplusplus
#define SCRATCH_ANNOTATE_CAST_(type, value) reinterpret_cast<type>(value)
#else
#define SCRATCH_ANNOTATE_CAST_(type, value) ((type)(value))
#endif

#define SCRATCH_ANNOTATE_FUNCTION_(name)                                                           \
    SCRATCH_ANNOTATE_INLINE_ scratch_annotate_##name##_function                                    \
        *scratch_annotate_##name##_address(void) {                                                 \
        uintptr_t address;                                                                         \
        SCRATCH_ANNOTATE_BIND_(scratch_annotate_##name##_v1, &address);                            \
        return SCRATCH_ANNOTATE_CAST_(scratch_annotate_##name##_function *, address);              \
    }
SCRATCH_ANNOTATE_FUNCTION_(region_enter)
SCRATCH_ANNOTATE_FUNCTION_(region_leave)
SCRATCH_ANNOTATE_FUNCTION_(frame_turn)
SCRATCH_ANNOTATE_FUNCTION_(alloc)
SCRATCH_ANNOTATE_FUNCTION_(free)

/* Without the shim is the straight path. */
#define SCRATCH_ANNOTATE_BOUND_(function) __builtin_expect((function) != NULL, 0)

SCRATCH_ANNOTATE_INLINE_ scratch_region_token scratch_region_enter(const char *name,
                                                                   unsigned flags) {
    scratch_annotate_region_enter_function *const enter = scratch_annotate_region_enter_address();
    if (SCRATCH_ANNOTATE_BOUND_(enter)) return enter(name, flags);
    const scratch_region_token none = {0};
    return none;
}

/* A token that is not 0 proves that the shim is there. */
SCRATCH_ANNOTATE_INLINE_ void scratch_region_leave(scratch_region_token token) {
    if (__builtin_expect(token.value != 0, 0)) scratch_annotate_region_leave_address()(token);
}

SCRATCH_ANNOTATE_INLINE_ void scratch_frame_turn(const char *name, unsigned flags) {
    scratch_annotate_frame_turn_function *const turn = scratch_annotate_frame_turn_address();
    if (SCRATCH_ANNOTATE_BOUND_(turn)) turn(name, flags);
}

/* The call stands in the caller's own code, whose address is what the shim knows a site by. */
SCRATCH_ANNOTATE_INLINE_ void *scratch_alloc(size_t size) {
    scratch_annotate_alloc_function *const alloc = scratch_annotate_alloc_address();
    if (SCRATCH_ANNOTATE_BOUND_(alloc)) {
        void *const block = alloc(size);
        if (block != NULL) return block;
    }
    return malloc(size);
}

/* Out of line: both ways then end in a jump, and the straight one saves no register. */
__attribute__((noinline, unused)) static void
scratch_annotate_free_bound(void *block, scratch_annotate_free_function *give_back) {
    if (give_back(block) == 0) free(block);
}

SCRATCH_ANNOTATE_INLINE_ void scratch_free(void *block) {
    scratch_annotate_free_function *const give_back = scratch_annotate_free_address();
    if (SCRATCH_ANNOTATE_BOUND_(give_back))
        scratch_annotate_free_bound(block, give_back);
    else
        free(block);
}

#define SCRATCH_REGION_JOIN_TEXT_(left, right) left##right
#define SCRATCH_REGION_JOIN_(left, right) SCRATCH_REGION_JOIN_TEXT_(left, right)
#define SCRATCH_REGION_FLAGS_(name, flags, ...)                                                    \
    SCRATCH_REGION_VARIABLE_(SCRATCH_REGION_JOIN_(scratch_region_of_line_, __LINE__), name, flags)
#define SCRATCH_FRAME_FLAGS_(name, flags, ...) scratch_frame_turn((name), (flags))

#ifdef __cplusplus
namespace scratch {

// scratch_region_enter and _leave as an object, for a variable or a member. Stays where it was
// made, on the thread that made it.
class
#if __cplusplus >= 201703L
    [[nodiscard]]
#endif
    region {
public:
    __attribute__((always_inline)) explicit region(const char *name,
                                                   unsigned flags = SCRATCH_COUNTED)
        : token_(scratch_region_enter(name, flags)), exceptions_(0) {
        if (__builtin_expect(token_.value != 0, 0)) exceptions_ = exceptions_in_flight();
    }
    // An exception that passes may have parts that were allocated in here (its text, or all of it
    // where the C++ runtime is linked into the program): the region then ends as a counted one.
    __attribute__((always_inline)) ~region() {
        if (__builtin_expect(token_.value != 0, 0)) leave();
    }
    region(const region &) = delete;
    region(region &&) = delete;
    region &operator=(const region &) = delete;
    region &operator=(region &&) = delete;

private:
    static int exceptions_in_flight() {
#if !defined(__cpp_exceptions)
        return 0;
#elif __cplusplus >= 201703L
        return std::uncaught_exceptions();
#else
        return std::uncaught_exception() ? 1 : 0;
#endif
    }
    __attribute__((noinline)) void leave() {
        scratch_region_token token = token_;
        if (exceptions_in_flight() > exceptions_) token.value |= SCRATCH_END_UNCERTAIN_;
        scratch_region_leave(token);
    }

    const scratch_region_token token_;
    int exceptions_;
};

} // namespace scratch

#define SCRATCH_REGION_VARIABLE_(variable, name, flags)                                            \
    const ::scratch::region variable((name), (flags) | SCRATCH_OF_BLOCK_)
#else
SCRATCH_ANNOTATE_INLINE_ void scratch_region_cleanup(const scratch_region_token *token) {
    scratch_region_leave(*token);
}
#define SCRATCH_REGION_VARIABLE_(variable, name, flags)                                            \
    __attribute__((cleanup(scratch_region_cleanup), unused)) const scratch_region_token variable = \
        scratch_region_enter((name), (flags) | SCRATCH_OF_BLOCK_)
#endif

#endif /* SCRATCH_ANNOTATE_PROTOTYPES_ONLY */
#endif /* SCRATCH_ANNOTATE_H */
