// A program that makes code while it runs, which lies in no object, and opens a library from there:
// it is looked for by the program's own search path. Writes why it is not found.
#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

typedef void *open_function(const char *, int);

// Works wherever it stands, and does not end in a jump.
__attribute__((noinline)) static void *open_from_here(open_function *open, const char *name) {
    void *volatile opened = open(name, RTLD_NOW);
    return opened;
}

int main(void) {
    const size_t size = 4096;
    const size_t most_code = 256;
    void *made =
        mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) return 2;
    void *(*call)(open_function *, const char *) = open_from_here;
    void *code;
    memcpy(&code, &call, sizeof(code));
    memcpy(made, code, most_code);
    __builtin___clear_cache((char *)made, (char *)made + size);
    memcpy(&call, &made, sizeof(call));
    if (call(dlopen, "only_found_by_runpath.so") == NULL) puts(dlerror());
    return 0;
}
