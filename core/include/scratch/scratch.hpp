// scratch for C++20: the stacks of scratch.h with scopes, objects, spans, memory resources and
// allocators.
//
//     scratch::scope scope;                        // the thread's stack, until the closing brace
//     std::span<int> some = scope.array<int>(100);
//     parser &p = *scope.make<parser>(text);       // its destructor runs at the closing brace
//     std::pmr::vector<int> grown(scope.resource());
//
// The rules of scratch.h hold: on units, alignment, ownership, threads, forking and signals. An
// object, span or text belongs to its stack. Where there is no room the out-of-memory handler is
// called, except in the forms with `try`, whose result is null or empty with errno ENOMEM, and in
// what the standard describes (memory_resource, allocator), which throws std::bad_alloc. Names
// under `detail` are for this header only.
#pragma once

#if __cplusplus < 202002L
#error "scratch/scratch.hpp needs C++20 (-std=c++20); scratch/scratch.h serves older C++ too"
#else

#include <scratch/scratch.h>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace scratch {

/// The calling thread's own stack.
inline scratch_stack &this_thread() { return *scratch_this_thread(); }

// Objects and arrays on a stack. Pointers and spans are valid until the stack is restored below
// them.

/// A T made of `arguments`. Where T's destructor does something it is run by the restore, newest
/// object first, during unwinding too. A constructor that throws leaves the stack as it was.
template <typename T, typename... arguments_t>
T *make(scratch_stack &stack, arguments_t &&...arguments);

/// make that returns null, T not made or destroyed again, where there is no room.
template <typename T, typename... arguments_t>
[[nodiscard]] T *try_make(scratch_stack &stack, arguments_t &&...arguments);

/// `count` value-initialised Ts; none take no room. Destructors as in make, the last element's
/// first.
template <typename T>
std::span<T> array(scratch_stack &stack, std::size_t count);
template <typename T>
[[nodiscard]] std::span<T> try_array(scratch_stack &stack, std::size_t count);

/// `count` Ts that are not initialised.
template <typename T>
requires std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>
    std::span<T> array_uninit(scratch_stack &stack, std::size_t count);
template <typename T>
requires std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>
[[nodiscard]] std::span<T> try_array_uninit(scratch_stack &stack, std::size_t count);

/// `count` Ts of zero bytes; cheaper than array on fresh memory.
template <typename T>
requires std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>
    std::span<T> array_zero(scratch_stack &stack, std::size_t count);
template <typename T>
requires std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>
[[nodiscard]] std::span<T> try_array_zero(scratch_stack &stack, std::size_t count);

/// What printf would print, with a zero behind it.
[[gnu::format(printf, 2, 3)]] std::string_view format(scratch_stack &stack, const char *pattern,
                                                      ...);
[[nodiscard, gnu::format(printf, 2, 3)]] std::string_view try_format(scratch_stack &stack,
                                                                     const char *pattern, ...);

// Memory for the standard library.

/// A memory resource on a stack. What is deallocated is given back as soon as it is the last block,
/// so a vector or string that grows leaves no old buffers behind once it is gone. Equal to
/// resources on the same stack. Throws std::bad_alloc.
class stack_resource final : public std::pmr::memory_resource {
public:
    explicit stack_resource(scratch_stack &stack) noexcept : stack_(&stack) {}
    scratch_stack &stack() const noexcept { return *stack_; }

private:
    void *do_allocate(std::size_t size, std::size_t alignment) override;
    void do_deallocate(void *block, std::size_t size, std::size_t) override {
        scratch_give_back(stack_, block, size);
    }
    bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override;

    scratch_stack *stack_;
};

/// The resource of the calling thread's stack, for this thread only; good as long as it lives.
std::pmr::memory_resource *resource();

/// An allocator on a stack, for containers that know their allocator's type: no virtual calls.
/// Throws std::bad_alloc. Default: the stack of the thread that makes it.
template <typename T>
class allocator {
public:
    using value_type = T;
    using propagate_on_container_copy_assignment = std::true_type;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;
    using is_always_equal = std::false_type;

    allocator() noexcept : stack_(scratch_this_thread()) {}
    explicit allocator(scratch_stack &stack) noexcept : stack_(&stack) {}
    template <typename U>
    allocator(const allocator<U> &other) noexcept : stack_(&other.stack()) {}

    [[nodiscard]] T *allocate(std::size_t count);
    void deallocate(T *block, std::size_t count) noexcept {
        scratch_give_back(stack_, block, count * sizeof(T));
    }
    scratch_stack &stack() const noexcept { return *stack_; }

private:
    scratch_stack *stack_;
};

template <typename T, typename U>
bool operator==(const allocator<T> &left, const allocator<U> &right) noexcept {
    return &left.stack() == &right.stack();
}

// Scopes.

/// Gives back at its end what was pushed on its stack since its beginning. Its functions are those
/// above on its stack; on a checked stack one that is called while an inner scope is open stops the
/// program, and names both.
class [[nodiscard]] scope {
public:
    /// On the calling thread's stack, named after the function that it stands in. A name is not
    /// copied.
    explicit scope(const char *name = __builtin_FUNCTION()) : scope(scratch::this_thread(), name) {}
    explicit scope(scratch_stack &stack, const char *name = __builtin_FUNCTION())
        : scope_(scratch_scope_begin(&stack, name)), resource_(stack) {}
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;
    ~scope() { scratch_scope_end(&scope_); }

    /// On a stack of the calling thread that is none of these.
    static scope avoiding(std::initializer_list<scratch_stack *> conflicts,
                          const char *name = __builtin_FUNCTION()) {
        return scope(*scratch_avoiding(conflicts.begin(), conflicts.size()), name);
    }

    scratch_stack &stack() const noexcept { return *scope_.stack; }

    void *push(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
        return scratch_scope_push(&scope_, size, alignment);
    }
    [[nodiscard]] void *try_push(std::size_t size,
                                 std::size_t alignment = alignof(std::max_align_t)) {
        return scratch_try_scope_push(&scope_, size, alignment);
    }
    template <typename T, typename... arguments_t>
    T *make(arguments_t &&...arguments) {
        return scratch::make<T>(innermost(), std::forward<arguments_t>(arguments)...);
    }
    template <typename T, typename... arguments_t>
    [[nodiscard]] T *try_make(arguments_t &&...arguments) {
        return scratch::try_make<T>(innermost(), std::forward<arguments_t>(arguments)...);
    }
    template <typename T>
    std::span<T> array(std::size_t count) {
        return scratch::array<T>(innermost(), count);
    }
    template <typename T>
    [[nodiscard]] std::span<T> try_array(std::size_t count) {
        return scratch::try_array<T>(innermost(), count);
    }
    template <typename T>
    std::span<T> array_uninit(std::size_t count) {
        return scratch::array_uninit<T>(innermost(), count);
    }
    template <typename T>
    [[nodiscard]] std::span<T> try_array_uninit(std::size_t count) {
        return scratch::try_array_uninit<T>(innermost(), count);
    }
    template <typename T>
    std::span<T> array_zero(std::size_t count) {
        return scratch::array_zero<T>(innermost(), count);
    }
    template <typename T>
    [[nodiscard]] std::span<T> try_array_zero(std::size_t count) {
        return scratch::try_array_zero<T>(innermost(), count);
    }
    [[gnu::format(printf, 2, 3)]] std::string_view format(const char *pattern, ...);
    [[nodiscard, gnu::format(printf, 2, 3)]] std::string_view try_format(const char *pattern, ...);
    /// For containers that do not outlive the scope.
    std::pmr::memory_resource *resource() noexcept { return &resource_; }

private:
    /// The stack, once it is sure that no inner scope would give the block back.
    scratch_stack &innermost() {
        if (scope_.stack->limit == scope_.stack->top) [[unlikely]]
            scratch_scope_check_(&scope_);
        return *scope_.stack;
    }

    scratch_scope scope_;
    stack_resource resource_;
};

// Frames.

/// N stacks in turn: what was pushed in frame k is valid until frame k + N begins. They are
/// destroyed with their object.
template <std::size_t count>
requires(count > 0) class frames {
public:
    /// Throws std::bad_alloc.
    explicit frames(
        const scratch_options &options = {.name = "frame", .reserve = 0, .keep = 0, .flags = 0})
        : frames_(scratch_frames_create(count, &options)) {
        if (frames_ == nullptr) throw std::bad_alloc();
    }
    frames(const frames &) = delete;
    frames &operator=(const frames &) = delete;
    ~frames() { scratch_frames_destroy(frames_); }

    /// Starts the next frame and returns its empty stack; what was made on it before is destroyed.
    scratch_stack &begin() { return *scratch_frames_begin(frames_); }

private:
    scratch_frames *frames_;
};

/// A stack of one's own, destroyed with its object. Throws std::bad_alloc.
class owned_stack {
public:
    explicit owned_stack(const scratch_options &options = {})
        : stack_(scratch_stack_create(&options)) {
        if (stack_ == nullptr) throw std::bad_alloc();
    }
    owned_stack(const owned_stack &) = delete;
    owned_stack &operator=(const owned_stack &) = delete;
    ~owned_stack() { scratch_stack_destroy(stack_); }

    operator scratch_stack &() const noexcept { return *stack_; }
    scratch_stack *get() const noexcept { return stack_; }

private:
    scratch_stack *stack_;
};

} // namespace scratch

#include <scratch/inline.hpp>

#endif
