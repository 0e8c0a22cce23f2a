// Prints what it was started with, and what pointers in its data show.
#include "darwin.h"

static const char *const words[] = {"one", "two", "three"};
static int numbers[4] = {1, 2, 3, 4};
static int *const third = &numbers[2];
static int (*const functions[])(const char *, ...) = {printf};

int main(int count, char **arguments, char **environment, char **apple) {
    functions[0]("%d %s %s %s\n", count, arguments[1], words[1], words[2]);
    printf("%d %d\n", *third, (int)(third - numbers));
    for (; *environment != NULL; ++environment)
        if (**environment == 'Q') puts(*environment);
    printf("%s\n", strrchr(*apple, '/'));
    return 7;
}
