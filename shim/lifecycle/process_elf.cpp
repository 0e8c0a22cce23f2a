#include "shim/lifecycle/process.hpp"

#include <cstddef>

#include <unistd.h>

#include "shim/heap/threads.hpp"
#include "shim/next/next.hpp"
#include "shim/route/dynamic_symbols.hpp"

extern "C" void *malloc(std::size_t size) noexcept;

namespace scratch::shim {

void note_constructor() noexcept {}

// glibc's word, since 2.32: 0 as soon as there was ever a second thread. A program may have a copy,
// which comes first.
void note_serving() noexcept {
    for_each_object([](const dl_phdr_info &object) {
        const ElfW(Sym) *symbol = find_symbol(object, "__libc_single_threaded");
        if (symbol == nullptr) return false;
        know_single_thread_by(reinterpret_cast<const char *>(object.dlpi_addr + symbol->st_value));
        return true;
    });
}

// The very first calls come before libc has set it.
char **environment_of_process() noexcept { return environ; }

// Such a program comes before us in the search.
bool malloc_is_the_programs() noexcept {
    void *found = find_definition_for_program("malloc");
    return found != nullptr && found != reinterpret_cast<void *>(&::malloc);
}

} // namespace scratch::shim
