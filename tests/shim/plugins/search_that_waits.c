// The loader's LD_AUDIT: its search for the C++ runtime waits until the program has done what it
// wants to do in the middle of a dlopen. Only files are seen by both: this has a libc of its own.
#define _GNU_SOURCE 1

#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((visibility("default"))) unsigned la_version(unsigned version) { return version; }

__attribute__((visibility("default"))) char *la_objsearch(const char *name, uintptr_t *cookie,
                                                          unsigned flag) {
    char reached[4096];
    char go_on[4096];
    const char *folder = getenv("SEARCH_WAITS_IN");
    (void)cookie;
    if (flag == LA_SER_ORIG && folder != NULL && strncmp(name, "libstdc++", 9) == 0) {
        snprintf(reached, sizeof reached, "%s/reached", folder);
        snprintf(go_on, sizeof go_on, "%s/go-on", folder);
        FILE *file = fopen(reached, "w");
        if (file != NULL) fclose(file);
        for (int i = 0; i < 5000 && access(go_on, F_OK) != 0; i++)
            usleep(1000);
    }
    return (char *)(uintptr_t)name;
}
