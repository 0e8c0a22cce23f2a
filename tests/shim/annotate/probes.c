// What a_load_and_a_branch.py reads the machine code of: each annotation beside the same without
// it.
#include <scratch/annotate.h>

#ifdef __cplusplus
extern "C" {
#endif
extern volatile int word;
void region(void);
void region_plain(void);
scratch_region_token enter(const char *name);
scratch_region_token enter_plain(const char *name);
void leave(scratch_region_token token);
void leave_plain(scratch_region_token token);
void turn(void);
void turn_plain(void);
void *alloc(void);
void *alloc_plain(void);
void give_back(void *block);
void give_back_plain(void *block);
#ifdef __cplusplus
}
#endif

void region(void) {
    SCRATCH_REGION("probe");
    word = 1;
}
void region_plain(void) { word = 1; }

scratch_region_token enter(const char *name) { return scratch_region_enter(name, SCRATCH_TRUSTED); }
scratch_region_token enter_plain(const char *name) {
    (void)name;
    const scratch_region_token none = {0};
    return none;
}

void leave(scratch_region_token token) { scratch_region_leave(token); }
void leave_plain(scratch_region_token token) { (void)token; }

void turn(void) { SCRATCH_FRAME("probe"); }
void turn_plain(void) {}

void *alloc(void) { return scratch_alloc(24); }
void *alloc_plain(void) { return malloc(24); }

void give_back(void *block) { scratch_free(block); }
void give_back_plain(void *block) { free(block); }
