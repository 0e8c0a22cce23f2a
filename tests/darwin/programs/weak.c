// A weak definition in two images, and a weak import that is missing.
#include "darwin.h"

const char *coalesced_in_needed(void);
__attribute__((weak)) const char *coalesced(void) { return "program's"; }
extern int no_such_function(void) __attribute__((weak_import));

int main(void) {
    printf("%s %s\n", coalesced(), coalesced_in_needed());
    puts(no_such_function == NULL ? "missing" : "there");
    return 0;
}
