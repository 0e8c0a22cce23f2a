// The malloc family with types, which libSystem has since macOS 14: here the same as the other one.
#include "names.hpp"

#include <cstddef>

namespace darwin {
namespace {

struct malloc_zone;
using type_id = unsigned long long;

/// The function of that name and no type, not as it is interposed.
template <typename Function>
Function *plain(std::string_view symbol) {
    return reinterpret_cast<Function *>(system::lookup(symbol));
}

void *type_malloc(std::size_t size, type_id) { return plain<void *(std::size_t)>("_malloc")(size); }
void *type_calloc(std::size_t count, std::size_t size, type_id) {
    return plain<void *(std::size_t, std::size_t)>("_calloc")(count, size);
}
void *type_realloc(void *block, std::size_t size, type_id) {
    return plain<void *(void *, std::size_t)>("_realloc")(block, size);
}
void *type_valloc(std::size_t size, type_id) { return plain<void *(std::size_t)>("_valloc")(size); }
void *type_aligned_alloc(std::size_t alignment, std::size_t size, type_id) {
    return plain<void *(std::size_t, std::size_t)>("_aligned_alloc")(alignment, size);
}
int type_posix_memalign(void **block, std::size_t alignment, std::size_t size, type_id) {
    using function = int(void **, std::size_t, std::size_t);
    return plain<function>("_posix_memalign")(block, alignment, size);
}
void type_free(void *block, type_id) { plain<void(void *)>("_free")(block); }
void *type_zone_realloc(malloc_zone *zone, void *block, std::size_t size, type_id) {
    using function = void *(malloc_zone *, void *, std::size_t);
    return plain<function>("_malloc_zone_realloc")(zone, block, size);
}
void type_zone_free(malloc_zone *zone, void *block, type_id) {
    plain<void(malloc_zone *, void *)>("_malloc_zone_free")(zone, block);
}

} // namespace

namespace system {

std::span<const entry> typed_allocation_names() {
    static const entry names[] = {
        function("malloc_type_malloc", type_malloc),
        function("malloc_type_calloc", type_calloc),
        function("malloc_type_realloc", type_realloc),
        function("malloc_type_valloc", type_valloc),
        function("malloc_type_aligned_alloc", type_aligned_alloc),
        function("malloc_type_posix_memalign", type_posix_memalign),
        function("malloc_type_free", type_free),
        function("malloc_type_zone_realloc", type_zone_realloc),
        function("malloc_type_zone_free", type_zone_free),
    };
    return names;
}

} // namespace system
} // namespace darwin
