// A library that others need; its weak definition is one of two.
#include "darwin.h"

__attribute__((constructor)) static void start(void) { puts("needed"); }
void needed_says(const char *text) { printf("needed says %s\n", text); }
__attribute__((weak)) const char *coalesced(void) { return "library's"; }
const char *coalesced_in_needed(void) { return coalesced(); }
