#include "shim/next/loader.hpp"

#include <cstddef>
#include <cstdint>
#include <dlfcn.h>
#include <link.h>

#include "shim/route/dynamic_symbols.hpp"

// The loader's word for debuggers, of which its programs have no other.
extern "C" [[gnu::weak]] r_debug *_dl_debug_addr;

namespace scratch::shim {

namespace {

// A dlsym that fails leaves an error, and libc does not show where: the program's next dlerror
// would tell of ours. So it is asked only for what is there, and what a library has that was opened
// later is not there: as a rule its scope is its own, which nothing tells. Who calls out of such a
// scope finds it by the caller (operators.cpp).
constexpr std::size_t not_counted = SIZE_MAX;
constinit std::size_t objects_at_start = not_counted;

[[gnu::constructor]] void count_objects_at_start() noexcept {
    std::size_t count = 0;
    for_each_object([&count](const dl_phdr_info &) {
        ++count;
        return false;
    });
    objects_at_start = count;
}

// Calls visit(object) for those that were there then, in the order of their loading, which is that
// of searches, until one returns true.
template <typename Visit>
void for_each_object_at_start(Visit visit) noexcept {
    std::size_t left = objects_at_start;
    for_each_object([&](const dl_phdr_info &object) { return left-- == 0 || visit(object); });
}

bool is_defined_after_us(const char *name) noexcept {
    bool found = false;
    bool is_after = false;
    for_each_object_at_start([&](const dl_phdr_info &object) {
        if (is_after) return found = find_symbol(object, name) != nullptr;
        is_after = contains(object, &objects_at_start);
        return false;
    });
    return found;
}

} // namespace

void *find_next(const char *name) noexcept {
    return is_defined_after_us(name) ? dlsym(RTLD_NEXT, name) : nullptr;
}

// musl's functions have none.
void *find_next_of_version(const char *name, const char *) noexcept { return find_next(name); }

// By hand: musl's search, too, ends at the entries by which programs call.
void *find_definition_for_program(const char *name) noexcept {
    std::uintptr_t found = 0;
    for_each_object_at_start([&](const dl_phdr_info &object) {
        return (found = find_function(object, name, nullptr)) != 0;
    });
    return reinterpret_cast<void *>(found);
}

// It has no second name.
action_function find_action_of_libc() noexcept {
    std::uintptr_t found = 0;
    for_each_object([&found](const dl_phdr_info &object) {
        if (!contains(object, reinterpret_cast<const void *>(&dl_iterate_phdr))) return false;
        found = find_function(object, "sigaction", nullptr);
        return true;
    });
    return reinterpret_cast<action_function>(found);
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
