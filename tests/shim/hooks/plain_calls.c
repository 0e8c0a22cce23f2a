// Allocates and frees as often as it is told, and calls a hooked function once.
#include <stdlib.h>

int main(int count, char **words) {
    const int pairs = count > 1 ? atoi(words[1]) : 0;
    for (int i = 0; i < pairs; ++i) {
        void *volatile block = malloc(64);
        free(block);
    }
    return 0;
}
