// Allocates, and frees what it is given.
#include <stdlib.h>
#include <string.h>

void *plugin_allocate(size_t size);
void plugin_free(void *block);
void *plugin_allocate(size_t size) {
    void *block = malloc(size);
    if (block != NULL) memset(block, 1, size);
    return block;
}
void plugin_free(void *block) { free(block); }
