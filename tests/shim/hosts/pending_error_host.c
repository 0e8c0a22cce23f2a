// A program in C that asks for what went wrong only after a plugin in C++ has worked for the first
// time: `pending_error_host PLUGIN`. What it says is the same with and without the shim.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <scratch/annotate.h>

static void tell(const char *when) {
    const char *error = dlerror();
    printf("%s: %s\n", when, error == NULL ? "none" : error);
}

int main(int count, char **arguments) {
    if (count != 2) return 1;
    void *plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL) return 1;
    int (*make)(void);
    *(void **)&make = dlsym(plugin, "plugin_make_one");
    if (make == NULL) return 1;
    SCRATCH_REGION("all");
    for (int round = 0; round < 3; ++round) {
        // One error that is pending, one that was told already, and none.
        char name[40];
        snprintf(name, sizeof name, "no_such_symbol_%d", round);
        if (round < 2 && dlsym(RTLD_DEFAULT, name) != NULL) return 1;
        if (round == 1) tell("before");
        if (make() != 1) return 1;
        tell("after");
        tell("again");
    }
    return dlclose(plugin);
}
