#include "shim/next/next.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "shim/heap/thread_heap.hpp"
#include "shim/next/libc.hpp"
#include "shim/observe/log.hpp"

namespace scratch::shim {

namespace {

// --- memory while dlsym runs
// --------------------------------------------------------------------------

// A dlsym that fails allocates a message of some hundred bytes; older loaders a little more.
constexpr std::size_t bootstrap_size = std::size_t{32} << 10;
alignas(16) constinit char bootstrap[bootstrap_size] = {};
constinit std::atomic<std::size_t> bootstrap_used{0};

struct alignas(16) bootstrap_header {
    std::size_t size;
};

bool is_bootstrap(const void *address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(bootstrap) <
           bootstrap_size;
}

std::size_t bootstrap_usable(const void *payload) noexcept {
    return (static_cast<const bootstrap_header *>(payload) - 1)->size;
}

// Zeroed, since nothing in the buffer is used twice.
void *take_bootstrap(std::size_t size, std::size_t alignment) noexcept {
    if (alignment < 16) alignment = 16;
    if (size > bootstrap_size || alignment > bootstrap_size) {
        errno = ENOMEM;
        return nullptr;
    }
    const auto base = reinterpret_cast<std::uintptr_t>(bootstrap);
    std::size_t used = bootstrap_used.load(std::memory_order_relaxed);
    std::uintptr_t payload;
    std::size_t end;
    do {
        payload = (base + used + sizeof(bootstrap_header) + alignment - 1) & ~(alignment - 1);
        end = payload + ((size + 15) & ~std::size_t{15}) - base;
        if (end > bootstrap_size) {
            errno = ENOMEM;
            return nullptr;
        }
    } while (!bootstrap_used.compare_exchange_weak(used, end, std::memory_order_relaxed));
    (reinterpret_cast<bootstrap_header *>(payload) - 1)->size = size;
    return reinterpret_cast<void *>(payload);
}

// --- what was found
// ------------------------------------------------------------------------------------

constinit next_allocator found = {};

// Stand in `next` where bootstrap memory was handed out, since such a block can come back at any
// time.
void free_unless_bootstrap(void *payload) {
    if (!is_bootstrap(payload)) found.free(payload);
}
void *realloc_from_bootstrap(void *payload, std::size_t size) {
    if (payload == nullptr || !is_bootstrap(payload)) return found.realloc(payload, size);
    if (size == 0 && realloc_to_zero_frees) return nullptr; // which does nothing here
    void *moved = found.malloc(size);
    if (moved == nullptr) return nullptr;
    const std::size_t had = bootstrap_usable(payload);
    return std::memcpy(moved, payload, had < size ? had : size);
}
std::size_t usable_size_of_any(void *payload) {
    return is_bootstrap(payload) ? bootstrap_usable(payload) : found.malloc_usable_size(payload);
}

// --- before start
// ----------------------------------------------------------------------------------------

// Each resolves and calls again; while this thread is resolving, each answers from the buffer.
void *first_malloc(std::size_t size) {
    if (this_thread.starting != 0) return take_bootstrap(size, 16);
    resolve_next();
    return next.malloc(size);
}
void first_free(void *payload) {
    if (payload == nullptr || this_thread.starting != 0) return;
    resolve_next();
    next.free(payload);
}
void *first_calloc(std::size_t count, std::size_t size) {
    if (this_thread.starting != 0) {
        std::size_t bytes;
        if (!__builtin_mul_overflow(count, size, &bytes)) return take_bootstrap(bytes, 16);
        errno = ENOMEM;
        return nullptr;
    }
    resolve_next();
    return next.calloc(count, size);
}
void *first_realloc(void *payload, std::size_t size) {
    if (this_thread.starting != 0) {
        void *moved = take_bootstrap(size, 16);
        if (moved == nullptr || payload == nullptr) return moved;
        const std::size_t had = bootstrap_usable(payload);
        return std::memcpy(moved, payload, had < size ? had : size);
    }
    resolve_next();
    return next.realloc(payload, size);
}
void *first_memalign(std::size_t alignment, std::size_t size) {
    if (this_thread.starting != 0) return take_bootstrap(size, alignment);
    resolve_next();
    return next.memalign(alignment, size);
}
int first_posix_memalign(void **result, std::size_t alignment, std::size_t size) {
    if (this_thread.starting != 0) {
        void *taken = take_bootstrap(size, alignment);
        if (taken == nullptr) return ENOMEM;
        *result = taken;
        return 0;
    }
    resolve_next();
    return next.posix_memalign(result, alignment, size);
}
void *first_aligned_alloc(std::size_t alignment, std::size_t size) {
    if (this_thread.starting != 0) return take_bootstrap(size, alignment);
    resolve_next();
    return next.aligned_alloc(alignment, size);
}
char *first_strndup(const char *text, std::size_t most) {
    if (this_thread.starting == 0) {
        resolve_next();
        return next.strndup(text, most);
    }
    const std::size_t length = strnlen(text, most);
    auto *copy = static_cast<char *>(take_bootstrap(length + 1, 16));
    return copy == nullptr ? nullptr : static_cast<char *>(std::memcpy(copy, text, length));
}
char *first_strdup(const char *text) { return first_strndup(text, SIZE_MAX); }
wchar_t *first_wcsdup(const wchar_t *text) {
    resolve_next();
    return next.wcsdup(text);
}
std::size_t first_malloc_usable_size(void *payload) {
    if (payload == nullptr) return 0;
    if (this_thread.starting != 0) return bootstrap_usable(payload);
    resolve_next();
    return next.malloc_usable_size(payload);
}

template <typename Function>
Function look_up(const char *name) noexcept {
    return reinterpret_cast<Function>(find_next(name));
}

void require(bool resolved, const char *name) noexcept {
    if (resolved) return;
    log_raw("no allocator behind the shim has %s; is libc linked dynamically?", name);
    std::abort();
}

} // namespace

constinit next_allocator next = {
    first_malloc,   first_free,           first_calloc,        first_realloc,
    first_memalign, first_posix_memalign, first_aligned_alloc, first_malloc_usable_size,
    first_strdup,   first_strndup,        first_wcsdup,
};

void resolve_next() noexcept {
    if (this_thread.starting != 0) return;
    this_thread.starting = 1;
    next_allocator resolved = {};
#define SCRATCH_RESOLVE(name, result, parameters)                                                  \
    resolved.name = look_up<result(*) parameters>(#name);                                          \
    require(resolved.name != nullptr, #name);
    SCRATCH_NEXT_FUNCTIONS(SCRATCH_RESOLVE)
#undef SCRATCH_RESOLVE
    found = resolved;
    if (bootstrap_used.load(std::memory_order_relaxed) != 0) {
        resolved.free = free_unless_bootstrap;
        resolved.realloc = realloc_from_bootstrap;
        resolved.malloc_usable_size = usable_size_of_any;
    }
    next = resolved;
    this_thread.starting = 0;
}

} // namespace scratch::shim
