// Opens a library that stands on its own search path only.
#include <dlfcn.h>
#include <stddef.h>

int search(int flags);
int search(int flags) {
    void *found = dlopen("only_found_by_runpath.so", flags);
    if (found == NULL) return -1;
    int (*answer)(void);
    *(void **)&answer = dlsym(found, "found_answer");
    const int result = answer == NULL ? -2 : answer();
    dlclose(found);
    return result;
}
