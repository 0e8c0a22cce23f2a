// A program that is linked with libunwind, as any program would be.
#define _GNU_SOURCE // for ucontext_t, which the header asks for
#define UNW_LOCAL_ONLY
#include <libunwind.h>

int main(void) {
    unw_context_t context;
    return unw_getcontext(&context);
}
