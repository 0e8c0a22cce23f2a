#include "shim/next/loader_errors.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <link.h>

#include "shim/route/dynamic_symbols.hpp"

namespace scratch::shim {

namespace {

// Where the word lies from each thread's pointer, which is the same distance for all: libc is there
// from the start of the program.
constexpr std::ptrdiff_t not_looked = PTRDIFF_MIN;
constexpr std::ptrdiff_t not_shown = PTRDIFF_MAX;
constinit std::atomic<std::ptrdiff_t> distance{not_looked};

char *thread_pointer() noexcept { return static_cast<char *>(__builtin_thread_pointer()); }

int look_at_object(dl_phdr_info *object, std::size_t size, void *found) noexcept {
    if (object->dlpi_name == nullptr || std::strstr(object->dlpi_name, "/libc.so.") == nullptr)
        return 0;
    if (size < offsetof(dl_phdr_info, dlpi_tls_data) + sizeof(object->dlpi_tls_data) ||
        object->dlpi_tls_data == nullptr)
        return 0;
    const ElfW(Sym) *symbol = find_symbol(*object, "__libc_dlerror_result");
    if (symbol == nullptr || (symbol->st_info & 0xf) != STT_TLS ||
        symbol->st_size != sizeof(void *))
        return 0;
    *static_cast<std::ptrdiff_t *>(found) =
        static_cast<char *>(object->dlpi_tls_data) + symbol->st_value - thread_pointer();
    return 1;
}

void **word_of_thread() noexcept {
    std::ptrdiff_t known = distance.load(std::memory_order_relaxed);
    if (known == not_looked) {
        known = not_shown;
        dl_iterate_phdr(look_at_object, &known);
        distance.store(known, std::memory_order_relaxed);
    }
    return known == not_shown ? nullptr : reinterpret_cast<void **>(thread_pointer() + known);
}

// In place of a result: there was no memory for one.
void *const no_memory = reinterpret_cast<void *>(std::uintptr_t{UINTPTR_MAX});

} // namespace

loader_error_aside::loader_error_aside() noexcept : word_(word_of_thread()) {
    if (word_ == nullptr) return;
    pending_ = *word_;
    *word_ = nullptr;
}

loader_error_aside::~loader_error_aside() {
    if (word_ == nullptr) return;
    // The first call tells, the second one frees what was told.
    if (*word_ != nullptr && dlerror() != nullptr) dlerror();
    void *ours = *word_;
    *word_ = pending_;
    if (ours != no_memory) std::free(ours);
}

} // namespace scratch::shim
