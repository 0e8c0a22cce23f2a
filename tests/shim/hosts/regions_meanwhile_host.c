// A program in C: a thread opens a trusted region while another one's dlopen is about to load the
// C++ runtime (plugins/search_that_waits.c). Says nothing if an exception outlives a trusted region
// after that. Usage: regions_meanwhile_host PLUGIN
#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <scratch/annotate.h>

static void name_file(char *path, const char *name) {
    snprintf(path, 4096, "%s/%s", getenv("SEARCH_WAITS_IN"), name);
}

static void *open_a_region(void *ignored) {
    char reached[4096];
    char go_on[4096];
    name_file(reached, "reached");
    name_file(go_on, "go-on");
    for (int i = 0; i < 5000 && access(reached, F_OK) != 0; i++)
        usleep(1000);
    if (access(reached, F_OK) != 0) puts("the search did not wait");
    {
        SCRATCH_REGION("meanwhile", SCRATCH_TRUSTED);
        free(malloc(10));
    }
    FILE *file = fopen(go_on, "w");
    if (file != NULL) fclose(file);
    return ignored;
}

static void fill_a_region(void) {
    SCRATCH_REGION("filled", SCRATCH_TRUSTED);
    for (int i = 0; i < 100; i++)
        memset(malloc(100), 0x5a, 100);
}

int main(int count, char **arguments) {
    pthread_t thread;
    if (count != 2) return 2;
    pthread_create(&thread, NULL, open_a_region, NULL);
    void *opened = dlopen(arguments[1], RTLD_NOW);
    pthread_join(thread, NULL);
    if (opened == NULL) {
        puts(dlerror());
        return 1;
    }
    void (*keep_exception)(void) = (void (*)(void))dlsym(opened, "keep_exception");
    int (*is_kept)(void) = (int (*)(void))dlsym(opened, "is_kept");
    {
        SCRATCH_REGION("kept", SCRATCH_TRUSTED);
        keep_exception();
    }
    fill_a_region();
    return is_kept() ? 0 : 1;
}
