/* The shapes of the stack's functions with nothing in them. */
#ifndef EMPTY_CALLS_H
#define EMPTY_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *empty_take(void *memory, size_t size, size_t alignment);
bool empty_give(void *memory, void *block, size_t size);
size_t empty_mark(const void *memory);
bool empty_reset(void *memory, size_t mark);

#ifdef __cplusplus
}
#endif

#endif
