// A program without a C++ runtime that opens plugins in C++: `c_host ROUNDS PLUGIN...`
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <scratch/annotate.h>

static int work_in(const char *path) {
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    // What went wrong elsewhere is not the program's business.
    const char *error = dlerror();
    if (error != NULL) {
        fprintf(stderr, "after dlopen: %s\n", error);
        return 1;
    }
    int (*work)(int);
    *(void **)&work = dlsym(plugin, "plugin_work");
    int wrong = work == NULL || work(10) != 10;
    {
        SCRATCH_REGION("plugin");
        wrong |= work == NULL || work(10) != 10;
    }
    {
        SCRATCH_REGION("plugin", SCRATCH_TRUSTED);
        wrong |= work == NULL || work(10) != 10;
    }
    error = dlerror();
    if (error != NULL) {
        fprintf(stderr, "after work: %s\n", error);
        return 1;
    }
    if (dlclose(plugin) != 0) wrong = 1;
    if (wrong) fprintf(stderr, "%s does not work\n", path);
    return wrong;
}

int main(int count, char **arguments) {
    const int rounds = count > 1 ? atoi(arguments[1]) : 0;
    for (int round = 0; round < rounds; ++round)
        for (int i = 2; i < count; ++i)
            if (work_in(arguments[i]) != 0) return 1;
    return 0;
}
