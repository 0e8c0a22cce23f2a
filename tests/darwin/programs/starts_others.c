// Becomes another program for macOS, in a child.
#include "darwin.h"

int main(int count, char **arguments) {
    (void)count;
    int status = 0;
    const int child = fork();
    if (child == 0) {
        execv(arguments[1], arguments + 1);
        _exit(127);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    return status >> 8;
}
