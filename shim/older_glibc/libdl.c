/* Names without code, for the linker (meson.build says why). */
void dladdr(void) {}
void dladdr1(void) {}
void dlclose(void) {}
void dlerror(void) {}
void dlsym(void) {}
void dlvsym(void) {}
