#include "shim/route/malloc_family.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <cwchar>

#include "core/pages.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/lifecycle/start.hpp"
#include "shim/next/libc.hpp"
#include "shim/next/next.hpp"
#include "shim/route/route.hpp"

namespace scratch::shim {

namespace {

[[gnu::noinline]] void *move_block(void *payload, std::size_t size, origin from) noexcept {
    // A large block that grows will grow again: half as much more in addresses costs nothing until
    // it is used.
    const bool large = size > largest_small_block && size <= PTRDIFF_MAX / 2;
    void *moved = push_if_tagged(large ? size + size / 2 : size, 1, from);
    if (moved != nullptr && large) resize_in_place(moved, size);
    if (moved == nullptr) {
        const int saved_errno = errno;
        moved = next.malloc(size);
        if (moved == nullptr) {
            // Where there is no memory a block that shrinks stays, as libc's do.
            if (size > usable_size(payload)) return nullptr;
            errno = saved_errno;
            return payload;
        }
    }
    std::memcpy(moved, payload, std::min(size, usable_size(payload)));
    release(payload);
    return moved;
}

void *push_zeroed(std::size_t count, std::size_t size, origin from) noexcept {
    std::size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
    void *pushed = push_or_count(bytes, 1, from);
    return pushed == nullptr || is_known_zero(pushed) ? pushed : std::memset(pushed, 0, bytes);
}

[[gnu::noinline]] void *push_zeroed_or_pass(std::size_t count, std::size_t size,
                                            origin from) noexcept {
    void *pushed = push_zeroed(count, size, from);
    return pushed != nullptr ? pushed : next.calloc(count, size);
}

} // namespace

void *allocate(std::size_t size, origin from) noexcept {
    void *pushed = push_if_tagged(size, 1, from);
    return pushed != nullptr ? pushed : next.malloc(size);
}

void *reallocate(void *payload, std::size_t size, origin from) noexcept {
    if (payload == nullptr) return allocate(size, from);
    if (!is_ours(payload)) return next.realloc(payload, size);
    if (size == 0 && realloc_to_zero_frees) {
        release(payload);
        return nullptr;
    }
    return resize_in_place(payload, size) ? payload : move_block(payload, size, from);
}

void *allocate_zeroed(std::size_t count, std::size_t size, origin from) noexcept {
    // Before anything that needs a register saved.
    if (passes_at_once()) return next.calloc(count, size);
    return push_zeroed_or_pass(count, size, from);
}

void *push_zeroed_if_tagged(std::size_t count, std::size_t size, origin from) noexcept {
    return passes_at_once() ? nullptr : push_zeroed(count, size, from);
}

void *reallocate_array(void *payload, std::size_t count, std::size_t size, origin from) noexcept {
    std::size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return nullptr;
    }
    return reallocate(payload, bytes, from);
}

int allocate_posix_aligned(void **result, std::size_t alignment, std::size_t size,
                           origin from) noexcept {
    if (std::has_single_bit(alignment) && alignment >= sizeof(void *)) {
        if (void *pushed = push_if_tagged(size, alignment, from)) {
            *result = pushed;
            return 0;
        }
    }
    return next.posix_memalign(result, alignment, size);
}

void *allocate_aligned(std::size_t alignment, std::size_t size, origin from) noexcept {
    void *pushed = std::has_single_bit(alignment) ? push_if_tagged(size, alignment, from) : nullptr;
    return pushed != nullptr ? pushed : next.aligned_alloc(alignment, size);
}

void *allocate_memalign(std::size_t alignment, std::size_t size, origin from) noexcept {
    void *pushed =
        alignment <= largest_alignment
            ? push_if_tagged(size, std::bit_ceil(std::max<std::size_t>(alignment, 1)), from)
            : nullptr;
    return pushed != nullptr ? pushed : next.memalign(alignment, size);
}

void *allocate_pages(std::size_t size, origin from) noexcept {
    const std::size_t page = pages::page_size();
    void *pushed = push_if_tagged(size, page, from);
    return pushed != nullptr ? pushed : next.memalign(page, size);
}

void *allocate_whole_pages(std::size_t size, origin from) noexcept {
    const std::size_t page = pages::page_size();
    std::size_t rounded;
    if (__builtin_add_overflow(size, page - 1, &rounded)) {
        errno = ENOMEM;
        return nullptr;
    }
    rounded &= ~(page - 1);
    void *pushed = push_if_tagged(rounded, page, from);
    return pushed != nullptr ? pushed : next.memalign(page, rounded);
}

std::size_t usable_size_of(void *payload) noexcept {
    return is_ours(payload) ? usable_size(payload) : next.malloc_usable_size(payload);
}

namespace {

// A place for a text, or null: libc's function is to make it. Where calls are counted that one's
// malloc would be counted again, so here the text is made.
void *place_for_text(std::size_t size, origin from) noexcept {
    void *pushed = push_if_tagged(size, 1, from);
    if (pushed != nullptr || !entries.routing || !is_counting()) return pushed;
    return next.malloc(size);
}

} // namespace

char *duplicate(const char *text, origin from) noexcept {
    const std::size_t size = std::strlen(text) + 1;
    void *place = place_for_text(size, from);
    return place != nullptr ? static_cast<char *>(std::memcpy(place, text, size))
                            : next.strdup(text);
}

char *duplicate(const char *text, std::size_t most, origin from) noexcept {
    const std::size_t length = strnlen(text, most);
    auto *place = static_cast<char *>(place_for_text(length + 1, from));
    if (place == nullptr) return next.strndup(text, most);
    place[length] = '\0';
    return static_cast<char *>(std::memcpy(place, text, length));
}

wchar_t *duplicate(const wchar_t *text, origin from) noexcept {
    const std::size_t size = (std::wcslen(text) + 1) * sizeof(wchar_t);
    void *place = place_for_text(size, from);
    return place != nullptr ? static_cast<wchar_t *>(std::memcpy(place, text, size))
                            : next.wcsdup(text);
}

bool release_if_ours(void *payload) noexcept {
    if (!is_ours(payload)) return false;
    release(payload);
    return true;
}

void free_any(void *payload) noexcept {
    if (!release_if_ours(payload)) next.free(payload);
}

} // namespace scratch::shim
