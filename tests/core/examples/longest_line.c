/* A C program with SCRATCH_SCOPE: what a function pushes is given back at its end, on each way out,
 * and what it opened is closed by a deferred function.
 *
 * Prints:
 *   longest line of 3: "splash! silence again"
 *   cannot read no/such/file
 *   bytes in use at the end: 0
 */
#include <scratch/scratch.h>

#include <stdio.h>
#include <string.h>

static void close_file(void *file) { fclose(file); }

/* The next line of a file, as a block that grows in place; null at the end. */
static char *read_line(scratch_stack *stack, FILE *file) {
    scratch_growing line = scratch_open(stack, 1);
    int letter = 0;
    while ((letter = fgetc(file)) != EOF && letter != '\n') {
        const char one = (char)letter;
        scratch_append(&line, &one, 1);
    }
    scratch_append(&line, "", 1);
    return letter == EOF && line.size == 1 ? NULL : scratch_close(&line);
}

static bool show_longest_line(const char *path) {
    scratch_stack *const stack = scratch_this_thread();
    SCRATCH_SCOPE(stack);
    FILE *const file = fopen(path, "r");
    if (file == NULL) return false;
    scratch_defer(stack, close_file, file);
    const char *longest = "";
    int count = 0;
    for (;; ++count) {
        const scratch_mark before = scratch_save(stack);
        const char *const line = read_line(stack, file);
        if (line == NULL) break;
        if (strlen(line) > strlen(longest)) {
            longest = line;
        } else {
            scratch_restore(stack, before); /* a shorter one need not stay till the end */
        }
    }
    printf("longest line of %d: \"%s\"\n", count, longest);
    return true;
}

static bool write_poem(const char *path) {
    FILE *const file = fopen(path, "w");
    if (file == NULL) return false;
    fputs("an old silent pond\nsplash! silence again\na frog jumps in\n", file);
    return fclose(file) == 0;
}

int main(int count, char **arguments) {
    const char *const poem = count > 1 ? arguments[1] : "poem.txt";
    if (!write_poem(poem)) return 1;
    const char *const paths[] = {poem, "no/such/file"};
    for (int index = 0; index < 2; ++index) {
        if (!show_longest_line(paths[index])) printf("cannot read %s\n", paths[index]);
    }
    remove(poem);
    printf("bytes in use at the end: %zu\n", scratch_stats(scratch_this_thread()).used);
    return 0;
}
