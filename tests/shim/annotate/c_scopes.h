// SCRATCH_REGION as C has it, called by the tests in C++.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif
int c_returns_early(int early);
void c_breaks_and_continues(void);
void c_goes_back(void);
void c_nests(void);
#ifdef __cplusplus
}
#endif
