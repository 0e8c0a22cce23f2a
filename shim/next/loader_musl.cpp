#include "shim/next/loader.hpp"

#include <dlfcn.h>
#include <link.h>

#include "shim/route/dynamic_symbols.hpp"

// The loader's word for debuggers, of which its programs have no other.
extern "C" [[gnu::weak]] r_debug *_dl_debug_addr;

namespace scratch::shim {

namespace {

// A dlsym that fails leaves an error, and libc does not show where: the program's next dlerror
// would tell of ours. So it is asked only for what is there. Of an object without a GNU hash table
// (no linker leaves it out unasked, libc has one) nothing is found.
bool is_defined(const char *name) noexcept {
    bool found = false;
    for_each_object([name, &found](const dl_phdr_info &object) {
        return found = find_symbol(object, name) != nullptr;
    });
    return found;
}

} // namespace

void *find_next(const char *name) noexcept {
    return is_defined(name) ? dlsym(RTLD_NEXT, name) : nullptr;
}

// musl's functions have none.
void *find_next_of_version(const char *name, const char *) noexcept { return find_next(name); }

// musl's search passes over the entries by which programs call.
void *find_definition_for_program(const char *name) noexcept {
    return is_defined(name) ? dlsym(RTLD_DEFAULT, name) : nullptr;
}

const char *name_of_object_at(const void *address) noexcept {
    Dl_info info;
    return dladdr(address, &info) == 0 ? nullptr : info.dli_fname;
}

const link_map *first_loaded_object() noexcept {
    return &_dl_debug_addr == nullptr || _dl_debug_addr == nullptr ? nullptr
                                                                   : _dl_debug_addr->r_map;
}

} // namespace scratch::shim
