// Stands for Swift's library on macOS, by whose name it goes: what it makes it keeps.
#include <stdlib.h>

void *make_for_runtime(size_t size);

// With something behind the call, which else would be a jump and seem to be the caller's.
void *make_for_runtime(size_t size) {
    char *const made = malloc(size);
    made[0] = 0;
    return made;
}
