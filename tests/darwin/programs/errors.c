// Error numbers are macOS's, and only failures set them.
#include "darwin.h"

char *strerror(int number);

int main(void) {
    int ends[2];
    char byte;
    REQUIRE(open("/nowhere/at/all", 0) == -1 && errno == 2);
    REQUIRE(errno == 2);
    // The host's own ways to tell of itself are not there.
    REQUIRE(open("/proc/self/maps", 0) == -1 && errno == 2);
    errno = 0;
    REQUIRE(pipe(ends) == 0 && errno == 0);
    REQUIRE(fcntl(ends[0], 4, 4) == 0); // F_SETFL, O_NONBLOCK
    REQUIRE(fcntl(ends[0], 3) == 4);
    REQUIRE(read(ends[0], &byte, 1) == -1 && errno == 35);
    REQUIRE(strcmp(strerror(35), "Resource temporarily unavailable") == 0);
    errno = 60;
    REQUIRE(errno == 60);
    free(malloc(10));
    REQUIRE(errno == 60);
    puts("ok");
    return 0;
}
