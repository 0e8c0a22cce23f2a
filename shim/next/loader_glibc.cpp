#include "shim/next/loader.hpp"

#include <dlfcn.h>
#include <link.h>

// Every program has it from its loader; a strong reference would make the loader a needed library.
#pragma weak _r_debug

namespace scratch::shim {

void *find_next(const char *name) noexcept { return dlsym(RTLD_NEXT, name); }

void *find_next_of_version(const char *name, const char *version) noexcept {
    void *const found = dlvsym(RTLD_NEXT, name, version);
    return found != nullptr ? found : find_next(name);
}

void *find_definition_for_program(const char *name) noexcept {
    void *defined = dlsym(RTLD_DEFAULT, name);
    Dl_info info;
    ElfW(Sym) *symbol = nullptr;
    const bool known =
        defined != nullptr &&
        dladdr1(defined, &info, reinterpret_cast<void **>(&symbol), RTLD_DL_SYMENT) != 0;
    return known && symbol != nullptr && symbol->st_shndx == SHN_UNDEF ? nullptr : defined;
}

action_function find_action_of_libc() noexcept {
    return reinterpret_cast<action_function>(find_next("__sigaction"));
}

const char *name_of_object_at(const void *address) noexcept {
    Dl_info info;
    link_map *object = nullptr;
    if (dladdr1(address, &info, reinterpret_cast<void **>(&object), RTLD_DL_LINKMAP) == 0)
        return nullptr;
    return object == nullptr ? nullptr : object->l_name;
}

const link_map *first_loaded_object() noexcept { return _r_debug.r_map; }

} // namespace scratch::shim
