// Takes blocks in every way; told how many by the library inserted.
#include "darwin.h"

static void *(*const stored)(size_t) = malloc;
static _Thread_local volatile char here[100];

static void *use_variable(void *unused) {
    here[0] = 1;
    return unused;
}

int main(void) {
    void (*const tell)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "tell_counts");
    free(malloc(10));
    free(stored(10));
    if (tell != NULL) tell();
    // The system's own calls.
    free(strdup("text"));
    if (tell != NULL) tell();
    free(((void *(*)(size_t))dlsym(RTLD_DEFAULT, "malloc"))(10));
    if (tell != NULL) tell();
    // A thread's variables come from malloc, and go with it.
    pthread_t thread;
    pthread_create(&thread, NULL, use_variable, NULL);
    pthread_join(thread, NULL);
    if (tell != NULL) tell();
    return tell == NULL ? 1 : 0;
}
