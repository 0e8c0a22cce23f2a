/* A parser that returns its results on a stack of its caller, and takes the memory that it needs on
 * the way from another one: `results` says where the answer goes, scratch_avoiding finds a stack of
 * the thread that is not it. Neither has to be freed piece by piece.
 *
 * Prints:
 *   width = 80
 *   title = "scratch memory"
 *   3 settings, 1 line skipped
 */
#include <scratch/scratch.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct setting {
    const char *name;
    const char *value;
    const struct setting *next;
};

struct settings {
    const struct setting *first;
    int count;
    int skipped;
};

/* The text between two places without the blanks around it. */
static char *trimmed(scratch_stack *results, const char *start, const char *end) {
    while (start < end && isspace((unsigned char)*start))
        ++start;
    while (start < end && isspace((unsigned char)end[-1]))
        --end;
    char *const text = scratch_memdup(results, start, (size_t)(end - start) + 1, 1);
    text[end - start] = '\0';
    return text;
}

/* "name = value" into a setting, or null. */
static struct setting *parse_line(scratch_stack *results, const char *line) {
    scratch_stack *const scratch = scratch_avoiding(&results, 1);
    SCRATCH_SCOPE(scratch);
    const char *const equals = strchr(line, '=');
    if (equals == NULL) return NULL; /* the scope ends here too */
    const char *const name = trimmed(scratch, line, equals);
    if (*name == '\0') return NULL;
    struct setting *const made = scratch_push_struct_zero(results, struct setting);
    /* Only what is kept goes to the results. */
    made->name = scratch_strdup(results, name);
    made->value = trimmed(results, equals + 1, line + strlen(line));
    return made;
}

static struct settings parse(scratch_stack *results, const char *text) {
    scratch_stack *const scratch = scratch_avoiding(&results, 1);
    struct settings all = {NULL, 0, 0};
    while (*text != '\0') {
        SCRATCH_SCOPE(scratch);
        const size_t length = strcspn(text, "\n");
        char *const line = scratch_push_array_zero(scratch, char, length + 1);
        memcpy(line, text, length);
        text += length + (text[length] == '\n');
        struct setting *const one = parse_line(results, line);
        if (one == NULL) {
            ++all.skipped;
            continue;
        }
        one->next = all.first;
        all.first = one;
        ++all.count;
    }
    return all;
}

static const char *look_up(struct settings all, const char *name) {
    for (const struct setting *at = all.first; at != NULL; at = at->next) {
        if (strcmp(at->name, name) == 0) return at->value;
    }
    return "?";
}

int main(void) {
    scratch_stack *const stack = scratch_this_thread();
    SCRATCH_SCOPE(stack);
    const struct settings all =
        parse(stack, "width = 80\n# no setting\n title=\"scratch memory\"\nheight =\t25\n");
    printf("width = %s\n", look_up(all, "width"));
    printf("title = %s\n", look_up(all, "title"));
    printf("%d settings, %d line skipped\n", all.count, all.skipped);
    return 0;
}
