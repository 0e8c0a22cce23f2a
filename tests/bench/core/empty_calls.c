/* Functions that do nothing, in a library of their own: what calling one costs, whatever it does.
 */
#include "empty_calls.h"

void *empty_take(void *memory, size_t size, size_t alignment) {
    (void)size;
    (void)alignment;
    return memory;
}

bool empty_give(void *memory, void *block, size_t size) {
    (void)size;
    return memory == block;
}

size_t empty_mark(const void *memory) { return (size_t)memory; }

bool empty_reset(void *memory, size_t mark) { return (size_t)memory == mark; }
