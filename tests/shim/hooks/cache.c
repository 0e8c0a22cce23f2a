// libc's qsort calls a comparison that fills a cache, which outlives the call.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *cache;

__attribute__((noinline)) char *keep_text(const char *text);
char *keep_text(const char *text) {
    char *kept = malloc(100);
    return kept == NULL ? NULL : strcpy(kept, text);
}

static int compare(const void *a, const void *b) {
    if (cache == NULL) cache = keep_text("kept");
    return *(const int *)a - *(const int *)b;
}

int main(void) {
    int values[] = {3, 1, 2};
    qsort(values, 3, sizeof *values, compare);
    puts(cache);
    free(cache);
    return 0;
}
