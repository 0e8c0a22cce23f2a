// Opens libraries while it runs.
#include "darwin.h"

int main(int count, char **arguments) {
    (void)count;
    REQUIRE(dlopen("/nowhere/at/all.dylib", 1) == NULL);
    printf("%s\n", dlerror());
    REQUIRE(dlerror() == NULL);
    const uint32_t before = _dyld_image_count();
    REQUIRE(dlsym(RTLD_DEFAULT, "needed_says") == NULL);
    void *const library = dlopen(arguments[1], 1);
    REQUIRE(library != NULL && library == dlopen(arguments[1], 1));
    REQUIRE(_dyld_image_count() == before + 1);
    void (*const says)(const char *) = (void (*)(const char *))dlsym(library, "needed_says");
    REQUIRE(says != NULL && says == (void (*)(const char *))dlsym(RTLD_DEFAULT, "needed_says"));
    says("hello");
    struct dl_info info;
    REQUIRE(dladdr((const char *)says + 1, &info) == 1);
    printf("%s %s\n", info.name, strrchr(info.file, '/'));
    REQUIRE(info.address == (void *)says && strcmp(_dyld_get_image_name(before), info.file) == 0);
    return 0;
}
