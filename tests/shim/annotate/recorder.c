// Stands in for the shim: preloaded, or linked into a test. Keeps what it was called with, and at
// exit writes it to the file of RECORDER_OUTPUT.
#define SCRATCH_ANNOTATE_PROTOTYPES_ONLY
#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char record[4096];
static uint64_t last_token;
static _Alignas(16) char arena[1024];
static size_t arena_used;

static void append(const char *text) {
    const size_t used = strlen(record);
    snprintf(record + used, sizeof record - used, "%s\n", text);
}

const char *recorder_text(void) { return record; }

void recorder_clear(void) {
    record[0] = '\0';
    last_token = 0;
    arena_used = 0;
}

scratch_region_token scratch_annotate_region_enter_v1(const char *name, unsigned flags) {
    char line[128];
    const scratch_region_token token = {++last_token};
    snprintf(line, sizeof line, "enter %s %u%s = %d", name, flags & ~SCRATCH_OF_BLOCK_,
             (flags & SCRATCH_OF_BLOCK_) != 0 ? " of block" : "", (int)token.value);
    append(line);
    return token;
}

void scratch_annotate_region_leave_v1(scratch_region_token token) {
    char line[128];
    snprintf(line, sizeof line, "leave %d", (int)token.value);
    append(line);
}

void scratch_annotate_frame_turn_v1(const char *name, unsigned flags) {
    char line[128];
    snprintf(line, sizeof line, "turn %s %u", name, flags);
    append(line);
}

void *scratch_annotate_alloc_v1(size_t size) {
    char line[128];
    snprintf(line, sizeof line, "alloc %zu", size);
    append(line);
    const size_t rounded = (size + 15) & ~(size_t)15;
    if (size > sizeof arena || rounded > sizeof arena - arena_used) return NULL;
    arena_used += rounded;
    return arena + arena_used - rounded;
}

int scratch_annotate_free_v1(void *block) {
    const int ours = (char *)block >= arena && (char *)block < arena + sizeof arena;
    append(ours ? "free of ours" : "free of another's");
    return ours;
}

__attribute__((destructor)) static void write_record(void) {
    const char *const path = getenv("RECORDER_OUTPUT");
    FILE *const file = path != NULL ? fopen(path, "w") : NULL;
    if (file == NULL) return;
    fputs(record, file);
    fclose(file);
}
