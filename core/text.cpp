#include "core/kept_errno.hpp"
#include "core/stack.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

using namespace scratch;

namespace {

/// vsnprintf keeps no promise about errno when it succeeds.
int text_length(const char *format, va_list arguments) {
    const kept_errno keep;
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    return length;
}

/// Bytes that the text takes, its terminating zero included; 0 with EINVAL where it cannot be made.
std::size_t text_size(const char *format, va_list arguments) {
    const int length = text_length(format, arguments);
    if (length < 0) errno = EINVAL;
    return length < 0 ? 0 : static_cast<std::size_t>(length) + 1;
}

} // namespace

extern "C" {

char *scratch_try_vprintf(scratch_stack *stack, const char *format, va_list arguments) {
    const std::size_t size = text_size(format, arguments);
    if (size == 0) return nullptr;
    char *const text = static_cast<char *>(push(stack, size, 1));
    if (text == nullptr) return nullptr;
    const kept_errno keep;
    std::vsnprintf(text, size, format, arguments);
    return text;
}

char *scratch_vprintf(scratch_stack *stack, const char *format, va_list arguments) {
    for (;;) {
        va_list again;
        va_copy(again, arguments);
        char *const text = scratch_try_vprintf(stack, format, again);
        va_end(again);
        if (text != nullptr) return text;
        make_room(stack, text_size(format, arguments));
    }
}

char *scratch_try_printf(scratch_stack *stack, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *const text = scratch_try_vprintf(stack, format, arguments);
    va_end(arguments);
    return text;
}

char *scratch_printf(scratch_stack *stack, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *const text = scratch_vprintf(stack, format, arguments);
    va_end(arguments);
    return text;
}

void *scratch_try_memdup(scratch_stack *stack, const void *bytes, size_t size, size_t alignment) {
    void *const copy = push(stack, size, alignment);
    return copy != nullptr && size != 0 ? std::memcpy(copy, bytes, size) : copy;
}

void *scratch_memdup(scratch_stack *stack, const void *bytes, size_t size, size_t alignment) {
    void *const copy = scratch_push_slow_(stack, size, alignment);
    return size != 0 ? std::memcpy(copy, bytes, size) : copy;
}

char *scratch_try_strdup(scratch_stack *stack, const char *text) {
    return static_cast<char *>(scratch_try_memdup(stack, text, std::strlen(text) + 1, 1));
}

char *scratch_strdup(scratch_stack *stack, const char *text) {
    return static_cast<char *>(scratch_memdup(stack, text, std::strlen(text) + 1, 1));
}

scratch_growing scratch_try_open(scratch_stack *stack, size_t alignment) {
    return {stack, static_cast<char *>(push(stack, 0, alignment)), 0, alignment};
}

scratch_growing scratch_open(scratch_stack *stack, size_t alignment) {
    return {stack, static_cast<char *>(scratch_push_slow_(stack, 0, alignment)), 0, alignment};
}

void *scratch_try_append(scratch_growing *growing, const void *bytes, size_t size) {
    if (size > SIZE_MAX - growing->size) {
        errno = ENOMEM;
        return nullptr;
    }
    void *const block = resize(growing->stack, growing->bytes, growing->size, growing->size + size,
                               growing->alignment);
    if (block == nullptr) return nullptr;
    growing->bytes = static_cast<char *>(block);
    char *const added = growing->bytes + growing->size;
    growing->size += size;
    if (bytes != nullptr && size != 0) std::memcpy(added, bytes, size);
    return added;
}

void *scratch_append(scratch_growing *growing, const void *bytes, size_t size) {
    for (;;) {
        if (void *const added = scratch_try_append(growing, bytes, size)) return added;
        make_room(growing->stack, size);
    }
}

void *scratch_close(scratch_growing *growing) {
    void *const block = growing->bytes;
    growing->bytes = nullptr;
    growing->stack = nullptr;
    return block;
}
}
