// A program that is linked with libunwind, as any program would be.
#define UNW_LOCAL_ONLY
#include <libunwind.h>

int main(void) {
    unw_context_t context;
    return unw_getcontext(&context);
}
