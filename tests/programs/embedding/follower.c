// follower CALLS: calls the library that leaks so often, and prints the sum of what it answers.
#include "links.h"

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
    const unsigned long calls = count > 1 ? strtoul(arguments[1], NULL, 10) : 1000;
    size_t sum = 0;
    for (unsigned long call = 0; call < calls; call++) {
        char link[64];
        snprintf(link, sizeof link, "../page-%lu.html?part=%lu", call, call % 7);
        sum += length_of_link(link, "http://example.org/books/chapters/index.html");
    }
    printf("%lu calls, %zu\n", calls, sum);
    return 0;
}
