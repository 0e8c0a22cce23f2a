// The bodies of what scratch.hpp declares. Not to be included by itself.
#pragma once

#include <cstdarg>
#include <cstring>

namespace scratch {
namespace detail {

/// Takes a stack back to where it was, unless told that all went well.
class rewind {
public:
    explicit rewind(scratch_stack &stack) : stack_(&stack), mark_(scratch_save(&stack)) {}
    rewind(const rewind &) = delete;
    rewind &operator=(const rewind &) = delete;
    ~rewind() {
        if (stack_ != nullptr) scratch_restore(stack_, mark_);
    }
    void keep() noexcept { stack_ = nullptr; }

private:
    scratch_stack *stack_;
    scratch_mark mark_;
};

/// With parentheses, as containers do, and with braces where a compiler cannot do that for
/// aggregates.
template <typename T, typename... arguments_t>
T *construct(void *memory, arguments_t &&...arguments) {
    if constexpr (std::is_constructible_v<T, arguments_t...>) {
        return ::new (memory) T(std::forward<arguments_t>(arguments)...);
    } else {
        return ::new (memory) T{std::forward<arguments_t>(arguments)...};
    }
}

template <typename T>
void destroy(void *object) {
    static_cast<T *>(object)->~T();
}

/// Stands before the elements of an array whose destructors have to run.
template <typename T>
struct array_header {
    std::size_t count;
    T *elements;
    static void destroy_all(void *header) {
        const auto *const the = static_cast<array_header *>(header);
        for (std::size_t index = the->count; index-- > 0;)
            the->elements[index].~T();
    }
};

/// What a function does where there is no room.
enum class refusal { calls_handler, returns_null };

template <refusal when>
void *push(scratch_stack &stack, std::size_t size, std::size_t alignment) {
    if constexpr (when == refusal::returns_null) return scratch_try_push(&stack, size, alignment);
    return scratch_push(&stack, size, alignment);
}

template <refusal when>
bool defer(scratch_stack &stack, void (*function)(void *), void *argument) {
    if constexpr (when == refusal::returns_null)
        return scratch_try_defer(&stack, function, argument);
    scratch_defer(&stack, function, argument);
    return true;
}

template <typename T, refusal when>
T *push_elements(scratch_stack &stack, std::size_t count) {
    return static_cast<T *>(
        push<when>(stack, scratch_array_size_(count, sizeof(T), 0), alignof(T)));
}

template <typename T, refusal when>
T *push_zeros(scratch_stack &stack, std::size_t count) {
    const std::size_t size = scratch_array_size_(count, sizeof(T), 0);
    if constexpr (when == refusal::returns_null)
        return static_cast<T *>(scratch_try_push_zero(&stack, size, alignof(T)));
    return static_cast<T *>(scratch_push_zero(&stack, size, alignof(T)));
}

template <typename T>
std::span<T> span_of(T *elements, std::size_t count) {
    return elements == nullptr ? std::span<T>() : std::span<T>(elements, count);
}

template <typename T, refusal when>
std::span<T> make_array(scratch_stack &stack, std::size_t count) {
    if (count == 0) return {};
    rewind unless_whole(stack);
    if constexpr (std::is_trivially_destructible_v<T>) {
        T *const elements = push_elements<T, when>(stack, count);
        if (elements == nullptr) return {};
        std::uninitialized_value_construct_n(elements, count);
        unless_whole.keep();
        return {elements, count};
    } else {
        using header_t = array_header<T>;
        void *const place = push<when>(stack, sizeof(header_t), alignof(header_t));
        if (place == nullptr) return {};
        auto *const header = ::new (place) header_t{0, push_elements<T, when>(stack, count)};
        if (header->elements == nullptr) return {};
        // Deferred last, so that what the constructors deferred themselves is taken back after the
        // elements.
        struct guard {
            header_t *header;
            ~guard() {
                if (header != nullptr) header_t::destroy_all(header);
            }
        } unless_deferred{header};
        for (; header->count < count; ++header->count)
            ::new (header->elements + header->count) T();
        if (!defer<when>(stack, header_t::destroy_all, header)) return {};
        unless_deferred.header = nullptr;
        unless_whole.keep();
        return {header->elements, count};
    }
}

/// Null only if `when` allows it.
template <typename T, refusal when, typename... arguments_t>
T *make_object(scratch_stack &stack, arguments_t &&...arguments) {
    rewind unless_whole(stack);
    void *const place = push<when>(stack, sizeof(T), alignof(T));
    if (place == nullptr) return nullptr;
    T *const object = construct<T>(place, std::forward<arguments_t>(arguments)...);
    if constexpr (!std::is_trivially_destructible_v<T>) {
        // The handler may leave by an exception: the object must be gone before its memory.
        struct guard {
            T *object;
            ~guard() {
                if (object != nullptr) object->~T();
            }
        } unless_deferred{object};
        if (!defer<when>(stack, destroy<T>, object)) return nullptr;
        unless_deferred.object = nullptr;
    }
    unless_whole.keep();
    return object;
}

} // namespace detail

template <typename T, typename... arguments_t>
T *make(scratch_stack &stack, arguments_t &&...arguments) {
    if constexpr (std::is_trivially_destructible_v<T> &&
                  std::is_nothrow_constructible_v<T, arguments_t...>) {
        return detail::construct<T>(scratch_push(&stack, sizeof(T), alignof(T)),
                                    std::forward<arguments_t>(arguments)...);
    } else {
        return detail::make_object<T, detail::refusal::calls_handler>(
            stack, std::forward<arguments_t>(arguments)...);
    }
}

template <typename T, typename... arguments_t>
T *try_make(scratch_stack &stack, arguments_t &&...arguments) {
    return detail::make_object<T, detail::refusal::returns_null>(
        stack, std::forward<arguments_t>(arguments)...);
}

template <typename T>
std::span<T> array(scratch_stack &stack, std::size_t count) {
    return detail::make_array<T, detail::refusal::calls_handler>(stack, count);
}

template <typename T>
std::span<T> try_array(scratch_stack &stack, std::size_t count) {
    return detail::make_array<T, detail::refusal::returns_null>(stack, count);
}

template <typename T>
requires std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>
    std::span<T> array_uninit(scratch_stack &stack, std::size_t count) {
    if (count == 0) return {};
    return detail::span_of(detail::push_elements<T, detail::refusal::calls_handler>(stack, count),
                           count);
}

template <typename T>
requires std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>
    std::span<T> try_array_uninit(scratch_stack &stack, std::size_t count) {
    if (count == 0) return {};
    return detail::span_of(detail::push_elements<T, detail::refusal::returns_null>(stack, count),
                           count);
}

template <typename T>
requires std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>
    std::span<T> array_zero(scratch_stack &stack, std::size_t count) {
    if (count == 0) return {};
    return detail::span_of(detail::push_zeros<T, detail::refusal::calls_handler>(stack, count),
                           count);
}

template <typename T>
requires std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>
    std::span<T> try_array_zero(scratch_stack &stack, std::size_t count) {
    if (count == 0) return {};
    return detail::span_of(detail::push_zeros<T, detail::refusal::returns_null>(stack, count),
                           count);
}

inline std::string_view format(scratch_stack &stack, const char *pattern, ...) {
    std::va_list arguments;
    va_start(arguments, pattern);
    const char *const text = scratch_vprintf(&stack, pattern, arguments);
    va_end(arguments);
    return text;
}

inline std::string_view try_format(scratch_stack &stack, const char *pattern, ...) {
    std::va_list arguments;
    va_start(arguments, pattern);
    const char *const text = scratch_try_vprintf(&stack, pattern, arguments);
    va_end(arguments);
    return text == nullptr ? std::string_view() : std::string_view(text);
}

inline std::string_view scope::format(const char *pattern, ...) {
    std::va_list arguments;
    va_start(arguments, pattern);
    const char *const text = scratch_vprintf(&innermost(), pattern, arguments);
    va_end(arguments);
    return text;
}

inline std::string_view scope::try_format(const char *pattern, ...) {
    std::va_list arguments;
    va_start(arguments, pattern);
    const char *const text = scratch_try_vprintf(&innermost(), pattern, arguments);
    va_end(arguments);
    return text == nullptr ? std::string_view() : std::string_view(text);
}

inline void *stack_resource::do_allocate(std::size_t size, std::size_t alignment) {
    void *const block = scratch_try_push(stack_, size, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

inline bool stack_resource::do_is_equal(const std::pmr::memory_resource &other) const noexcept {
    if (this == &other) return true;
#ifdef __cpp_rtti
    const auto *const same = dynamic_cast<const stack_resource *>(&other);
    return same != nullptr && same->stack_ == stack_;
#else
    return false;
#endif
}

inline std::pmr::memory_resource *resource() {
    // Bytes, since a destructor at thread exit would be one too many: it owns nothing, and is made
    // anew in the same place with the same stack.
    alignas(stack_resource) static thread_local std::byte bytes[sizeof(stack_resource)];
    return ::new (bytes) stack_resource(this_thread());
}

template <typename T>
T *allocator<T>::allocate(std::size_t count) {
    void *const block =
        scratch_try_push(stack_, scratch_array_size_(count, sizeof(T), 0), alignof(T));
    if (block == nullptr) {
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T))
            throw std::bad_array_new_length();
        throw std::bad_alloc();
    }
    return static_cast<T *>(block);
}

} // namespace scratch
