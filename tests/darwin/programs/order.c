// Says in which order it starts and ends.
#include "darwin.h"

void needed_says(const char *text);

__attribute__((constructor)) static void first(int count, char **arguments) {
    printf("first %d %s\n", count, arguments[1]);
}
__attribute__((constructor)) static void second(void) { puts("second"); }
__attribute__((destructor)) static void last(void) { puts("last"); }

int main(void) {
    needed_says("main");
    return 0;
}
