// What a test reads back of the calls that scratch/annotate.h made; see recorder.c.
#pragma once

#include <scratch/annotate.h>

#ifdef __cplusplus
extern "C" {
#endif

// The calls since recorder_clear, one a line, in order.
const char *recorder_text(void);
void recorder_clear(void);

scratch_region_token scratch_annotate_region_enter_v1(const char *name, unsigned flags);
void scratch_annotate_region_leave_v1(scratch_region_token token);
void scratch_annotate_frame_turn_v1(const char *name, unsigned flags);
void *scratch_annotate_alloc_v1(size_t size);
int scratch_annotate_free_v1(void *block);

#ifdef __cplusplus
}
#endif
