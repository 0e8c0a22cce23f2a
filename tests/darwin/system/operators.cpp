// libc++'s operators new and delete, which libraries may import from the system. They call malloc
// like all others.
#include "allocation.hpp"
#include "names.hpp"

#include <cstdio>
#include <cstdlib>

namespace darwin::operators {
namespace {

void *make_or_null(std::size_t size) { return allocation::interposed_malloc(size == 0 ? 1 : size); }

/// The host cannot throw what the program would catch.
void *make(std::size_t size) {
    if (void *const block = make_or_null(size)) return block;
    fputs("dyld_on_linux: operator new has no memory, and cannot throw\n", stderr);
    abort();
}

void *make_nothrow(std::size_t size, const void *) { return make_or_null(size); }

void *make_aligned_or_null(std::size_t size, std::size_t alignment) {
    return allocation::interposed_aligned(alignment < sizeof(void *) ? sizeof(void *) : alignment,
                                          size);
}

void *make_aligned(std::size_t size, std::size_t alignment) {
    if (void *const block = make_aligned_or_null(size, alignment)) return block;
    fputs("dyld_on_linux: operator new has no memory, and cannot throw\n", stderr);
    abort();
}

void *make_aligned_nothrow(std::size_t size, std::size_t alignment, const void *) {
    return make_aligned_or_null(size, alignment);
}

// Sizes, alignments and nothrow stand behind the block, where nobody looks.
void give_back(void *block) { allocation::interposed_free(block); }

} // namespace
} // namespace darwin::operators

namespace darwin::system {

std::span<const entry> operator_names() {
    using namespace darwin::operators;
    static const entry names[] = {
        function("_Znwm", make),
        function("_Znam", make),
        function("_ZnwmRKSt9nothrow_t", make_nothrow),
        function("_ZnamRKSt9nothrow_t", make_nothrow),
        function("_ZnwmSt11align_val_t", make_aligned),
        function("_ZnamSt11align_val_t", make_aligned),
        function("_ZnwmSt11align_val_tRKSt9nothrow_t", make_aligned_nothrow),
        function("_ZnamSt11align_val_tRKSt9nothrow_t", make_aligned_nothrow),
        function("_ZdlPv", give_back),
        function("_ZdaPv", give_back),
        function("_ZdlPvm", give_back),
        function("_ZdaPvm", give_back),
        function("_ZdlPvRKSt9nothrow_t", give_back),
        function("_ZdaPvRKSt9nothrow_t", give_back),
        function("_ZdlPvSt11align_val_t", give_back),
        function("_ZdaPvSt11align_val_t", give_back),
        function("_ZdlPvmSt11align_val_t", give_back),
        function("_ZdaPvmSt11align_val_t", give_back),
        function("_ZdlPvSt11align_val_tRKSt9nothrow_t", give_back),
        function("_ZdaPvSt11align_val_tRKSt9nothrow_t", give_back),
    };
    return names;
}

} // namespace darwin::system
