/* The whole C API from a C11 program, compiled with -Wpedantic: the build is half of the test. */
#include <scratch/scratch.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

typedef struct point {
    double x, y;
} point;

typedef struct line {
    size_t count;
    point points[];
} line;

_Static_assert(sizeof(scratch_mark) == sizeof(void *), "one word");

static void count(void *argument) { ++*(int *)argument; }

static int sum_in_a_scope(scratch_stack *stack, int early) {
    SCRATCH_SCOPE(stack);
    SCRATCH_SCOPE_NAMED(stack, "second");
    int *const numbers = scratch_push_array(stack, int, 100);
    int sum = 0;
    for (int index = 0; index < 100; ++index)
        numbers[index] = index;
    if (early) return -1;
    for (int index = 0; index < 100; ++index)
        sum += numbers[index];
    return sum;
}

static void typed_pushes(scratch_stack *stack) {
    point *const one = scratch_push_struct(stack, point);
    one->x = 1;
    point *const zero = scratch_push_struct_zero(stack, point);
    CHECK(zero->x == 0 && zero->y == 0);
    long *const many = scratch_push_array_zero(stack, long, 1000);
    for (int index = 0; index < 1000; ++index)
        CHECK(many[index] == 0);
    line *const drawn = scratch_push_flex(stack, line, points, 10);
    drawn->points[9].y = 2;
    line *const blank = scratch_push_flex_zero(stack, line, points, 0);
    CHECK(blank->count == 0);
    CHECK((char *)blank >= (char *)(drawn->points + 10));
    CHECK(one->x == 1.0);
    CHECK(scratch_try_push_struct(stack, point) != NULL);
    CHECK(scratch_try_push_struct_zero(stack, point)->y == 0);
    CHECK(scratch_try_push_array(stack, long, 10) != NULL);
    CHECK(scratch_try_push_array_zero(stack, long, 10)[9] == 0);
    CHECK(scratch_try_push_flex(stack, line, points, 10) != NULL);
    CHECK(scratch_try_push_flex_zero(stack, line, points, 10)->points[9].y == 0);
}

static bool remember_name(const scratch_statistics *statistics, void *context) {
    if (strcmp(statistics->name, "c program") == 0) ++*(int *)context;
    return true;
}

static bool no_room(scratch_stack *stack, size_t size, void *context) {
    (void)size;
    ++*(int *)context;
    return scratch_restore(stack, 0);
}

/* A function has one address, inlined or not. */
static void *(*const push_by_address)(scratch_stack *, size_t, size_t) = scratch_push;

int main(void) {
    scratch_stack *const stack = scratch_stack_create(
        &(scratch_options){.name = "c program", .reserve = 1 << 20, .flags = SCRATCH_CHECKED});
    CHECK(stack != NULL);
    const scratch_mark start = scratch_save(stack);
    CHECK(sum_in_a_scope(stack, 0) == 4950);
    CHECK(sum_in_a_scope(stack, 1) == -1);
    CHECK(scratch_save(stack) == start);
    typed_pushes(stack);
    CHECK(scratch_restore(stack, start));

    void *block = push_by_address(stack, 100, 64);
    CHECK(scratch_owns(stack, block));
    block = scratch_resize(stack, block, 100, 200, 64);
    CHECK(scratch_try_resize(stack, block, 200, SIZE_MAX, 64) == NULL && errno == ENOMEM);
    CHECK(scratch_pop(stack, block, 200));
    CHECK(scratch_try_push(stack, 1, 3) == NULL && errno == EINVAL);
    CHECK(scratch_try_push_zero(stack, 2 << 20, 1) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(scratch_try_push_array(stack, point, SIZE_MAX / 16 + 2) == NULL && errno == ENOMEM);
    CHECK(scratch_try_push_array_zero(stack, point, SIZE_MAX / 16 + 2) == NULL);
    CHECK(scratch_try_push_flex(stack, line, points, SIZE_MAX / 16) == NULL);
    CHECK(scratch_try_push_flex_zero(stack, line, points, SIZE_MAX / 16) == NULL);
    CHECK(*(char *)scratch_push_zero(stack, 1, 1) == 0);

    int deferred = 0;
    scratch_defer(stack, count, &deferred);
    CHECK(scratch_try_defer(stack, count, &deferred));
    scratch_restore(stack, start);
    CHECK(deferred == 2);

    CHECK(strcmp(scratch_printf(stack, "%d+%s", 1, "x"), "1+x") == 0);
    CHECK(strcmp(scratch_try_printf(stack, "%d", 1), "1") == 0);
    CHECK(strcmp(scratch_strdup(stack, "text"), "text") == 0);
    CHECK(strcmp(scratch_try_strdup(stack, "text"), "text") == 0);
    CHECK(memcmp(scratch_memdup(stack, "ab", 2, 16), "ab", 2) == 0);
    CHECK(memcmp(scratch_try_memdup(stack, "ab", 2, 16), "ab", 2) == 0);
    scratch_growing growing = scratch_open(stack, 1);
    scratch_append(&growing, "one ", 4);
    CHECK(scratch_try_append(&growing, "two", 4) != NULL);
    CHECK(growing.size == 8);
    CHECK(strcmp(scratch_close(&growing), "one two") == 0);

    scratch_stack *const first = scratch_this_thread();
    CHECK(scratch_avoiding(NULL, 0) == first);
    scratch_stack *const second = scratch_avoiding(&first, 1);
    CHECK(second != first && second == scratch_try_avoiding(&first, 1));

    scratch_frames *const frames = scratch_frames_create(2, &(scratch_options){.name = "frame"});
    scratch_stack *const even = scratch_frames_begin(frames);
    scratch_stack *const odd = scratch_frames_begin(frames);
    CHECK(even != odd && scratch_frames_begin(frames) == even);
    scratch_frames_destroy(frames);

    char bytes[300];
    char copy[300];
    CHECK(scratch_fill(bytes, 7, sizeof bytes) == bytes && bytes[299] == 7);
    CHECK(scratch_copy(copy, bytes, sizeof bytes) == copy && copy[299] == 7);

    scratch_scope scope = scratch_scope_begin(stack, "by hand");
    CHECK(scratch_scope_push(&scope, 10, 1) != NULL);
    CHECK(scratch_try_scope_push(&scope, 10, 1) != NULL);
    CHECK(scratch_try_scope_push(&scope, SIZE_MAX, 1) == NULL && errno == ENOMEM);
    scratch_scope_end(&scope);
    scratch_hand_over(stack);
    scratch_take_over(stack);

    int named = 0;
    scratch_visit(remember_name, &named);
    CHECK(named == 1);
    CHECK(scratch_stats(stack).reserved == 1 << 20);
    scratch_trim(stack, 0);
    int asked = 0;
    scratch_set_oom(stack, no_room, &asked);
    scratch_push(stack, 900000, 16);
    scratch_push(stack, 900000, 16);
    CHECK(asked == 1);
    scratch_stack_destroy(stack);
    return 0;
}
