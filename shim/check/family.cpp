#include "shim/check/family.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <cwchar>
#include <dlfcn.h>

#include "core/kept_errno.hpp"
#include "core/tasks.hpp"
#include "shim/check/blocks.hpp"
#include "shim/check/report.hpp"
#include "shim/check/unwind.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/next/libc.hpp"
#include "shim/next/next.hpp"

namespace scratch::shim::check {

namespace {

constinit next_allocator original = {};

// A pointer that no allocator can have handed out: on this thread's stack, or among the variables
// of a module.
bool is_no_block(void *payload) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(payload);
    // A thread that has allocated nothing yet has not looked for it.
    const std::uintptr_t known = this_thread.stack_top;
    const std::uintptr_t top = known != 0 ? known : top_of_stack(tasks::is_first_thread());
    if (address > stack_pointer() && address < top && top - address < (std::size_t{1} << 30))
        return true;
    if (!loader_can_be_asked()) return false;
    Dl_info module;
    if (dladdr(payload, &module) == 0) return false;
    // The loader hands out of its own data before there is a malloc, as we do.
    Dl_info own;
    const bool is_ours =
        dladdr(reinterpret_cast<void *>(&original), &own) != 0 && own.dli_fbase == module.dli_fbase;
    return !is_ours && std::strstr(module.dli_fname, "/ld-") == nullptr;
}

bool refuse_foreign(void *payload, const char *by) noexcept {
    const kept_errno keep_errno;
    const inside here;
    if (!here || !is_no_block(payload)) return false;
    backtrace place;
    take_backtrace(place);
    tell({.kind = defect::invalid_free,
          .what = by,
          .address = reinterpret_cast<std::uintptr_t>(payload),
          .place = &place,
          .where = "freed here"});
    return true;
}

void *checked_malloc(std::size_t size) {
    void *made = allocate_block({.size = size});
    return made != nullptr ? made : original.malloc(size);
}

void checked_free(void *payload) {
    if (payload == nullptr || free_block(payload, {.by = freer::free})) return;
    if (!refuse_foreign(payload, "free")) original.free(payload);
}

void *checked_calloc(std::size_t count, std::size_t size) {
    std::size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes))
        if (void *made = allocate_block({.size = bytes})) return made;
    return original.calloc(count, size);
}

void *checked_realloc(void *payload, std::size_t size) {
    if (payload == nullptr) return checked_malloc(size);
    if (!in_arena(payload)) {
        return refuse_foreign(payload, "realloc") ? checked_malloc(size)
                                                  : original.realloc(payload, size);
    }
    if (size == 0 && realloc_to_zero_frees) {
        free_block(payload, {.by = freer::realloc});
        return nullptr;
    }
    void *made = checked_malloc(size);
    if (made == nullptr) return nullptr;
    const record *old = find_record(payload);
    const bool lives = old != nullptr &&
                       old->life.load(std::memory_order_acquire) == block_life::live &&
                       is_accessible(state_of(page_of(payload_of(*old))));
    if (lives) std::memcpy(made, payload, std::min(size, old->size));
    free_block(payload, {.by = freer::realloc});
    return made;
}

void *aligned_block(std::size_t alignment, std::size_t size) noexcept {
    constexpr std::size_t largest = std::size_t{1} << 30;
    if (alignment > largest || size > largest * 64) return nullptr;
    return allocate_block(
        {.size = size, .alignment = std::max<std::size_t>(alignment, 16), .by = maker::aligned});
}

void *checked_memalign(std::size_t alignment, std::size_t size) {
    const std::size_t whole = alignment > SIZE_MAX / 2 + 1 ? 0 : std::bit_ceil(alignment);
    void *made = whole != 0 ? aligned_block(whole, size) : nullptr;
    return made != nullptr ? made : original.memalign(alignment, size);
}

int checked_posix_memalign(void **result, std::size_t alignment, std::size_t size) {
    if (std::has_single_bit(alignment) && alignment >= sizeof(void *)) {
        if (void *made = aligned_block(alignment, size)) {
            *result = made;
            return 0;
        }
    }
    return original.posix_memalign(result, alignment, size);
}

void *checked_aligned_alloc(std::size_t alignment, std::size_t size) {
    void *made = std::has_single_bit(alignment) ? aligned_block(alignment, size) : nullptr;
    return made != nullptr ? made : original.aligned_alloc(alignment, size);
}

std::size_t checked_usable_size(void *payload) {
    if (!in_arena(payload)) return original.malloc_usable_size(payload);
    const record *found = find_record(payload);
    return found != nullptr ? found->size : 0;
}

char *checked_strndup(const char *text, std::size_t most) {
    const std::size_t length = strnlen(text, most);
    auto *copy = static_cast<char *>(allocate_block({.size = length + 1}));
    if (copy == nullptr) return original.strndup(text, most);
    copy[length] = '\0';
    return static_cast<char *>(std::memcpy(copy, text, length));
}

char *checked_strdup(const char *text) {
    const std::size_t size = std::strlen(text) + 1;
    void *copy = allocate_block({.size = size});
    return copy != nullptr ? static_cast<char *>(std::memcpy(copy, text, size))
                           : original.strdup(text);
}

wchar_t *checked_wcsdup(const wchar_t *text) {
    const std::size_t size = (std::wcslen(text) + 1) * sizeof(wchar_t);
    void *copy = allocate_block({.size = size});
    return copy != nullptr ? static_cast<wchar_t *>(std::memcpy(copy, text, size))
                           : original.wcsdup(text);
}

} // namespace

void take_over_family() noexcept {
    original = next;
    next = {checked_malloc,   checked_free,           checked_calloc,        checked_realloc,
            checked_memalign, checked_posix_memalign, checked_aligned_alloc, checked_usable_size,
            checked_strdup,   checked_strndup,        checked_wcsdup};
}

} // namespace scratch::shim::check
