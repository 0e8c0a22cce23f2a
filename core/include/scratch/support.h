/* What scratch.h needs from the compiler. Not to be included by itself. */
#ifndef SCRATCH_SUPPORT_H
#define SCRATCH_SUPPORT_H

/** Raised when anything that is inlined into programs changes. */
#define SCRATCH_ABI 0

#ifndef SCRATCH_API
#define SCRATCH_API __attribute__((visibility("default")))
#endif

/* A body for inlining only: where the compiler does not inline, it calls the library's function, so
 * a function has one address everywhere. The library defines SCRATCH_INLINE as nothing to emit
 * them. */
#ifndef SCRATCH_INLINE
#define SCRATCH_INLINE                                                                             \
    extern inline __attribute__((gnu_inline, always_inline, visibility("default")))
#endif

/* initial-exec: through a call of __tls_get_addr a push would cost more than four times as much. */
#define SCRATCH_TLS_ __thread __attribute__((tls_model("initial-exec"), visibility("default")))

#define SCRATCH_LIKELY_(condition) __builtin_expect(!!(condition), 1)
#define SCRATCH_PROMISE_(condition) ((condition) ? (void)0 : __builtin_unreachable())
#define SCRATCH_PRINTF_(text, rest) __attribute__((__format__(__printf__, text, rest)))
#define SCRATCH_RESTRICT_ __restrict

#ifdef __cplusplus
#define SCRATCH_ALIGNOF_(T) alignof(T)
#else
#define SCRATCH_ALIGNOF_(T) _Alignof(T)
#endif

#define SCRATCH_STRUCT_(push, stack, T) ((T *)push((stack), sizeof(T), SCRATCH_ALIGNOF_(T)))
#define SCRATCH_ARRAY_(push, stack, T, count)                                                      \
    ((T *)push((stack), scratch_array_size_((count), sizeof(T), 0), SCRATCH_ALIGNOF_(T)))
#define SCRATCH_FLEX_(push, stack, T, member, count)                                               \
    ((T *)push((stack), SCRATCH_FLEX_SIZE_(T, member, (count)), SCRATCH_ALIGNOF_(T)))
#define SCRATCH_FLEX_SIZE_(T, member, count)                                                       \
    scratch_flex_size_(count, sizeof(((T *)0)->member[0]), offsetof(T, member), sizeof(T))

#define SCRATCH_JOIN_(a, b) SCRATCH_JOIN_NOW_(a, b)
#define SCRATCH_JOIN_NOW_(a, b) a##b
#define SCRATCH_TEXT_(a) SCRATCH_TEXT_NOW_(a)
#define SCRATCH_TEXT_NOW_(a) #a
#define SCRATCH_PLACE_ __FILE__ ":" SCRATCH_TEXT_(__LINE__)

#endif
