// A stack for the length of a test.
#pragma once

#include <scratch/scratch.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

using sizes = std::vector<std::size_t>;

class made_stack {
public:
    explicit made_stack(const scratch_options &options = {})
        : stack_(scratch_stack_create(&options)) {
        EXPECT_NE(stack_, nullptr);
    }
    made_stack(const made_stack &) = delete;
    made_stack &operator=(const made_stack &) = delete;
    ~made_stack() { scratch_stack_destroy(stack_); }

    operator scratch_stack *() const { return stack_; }

private:
    scratch_stack *stack_;
};

/// A number that the compiler does not know, so that the path for any size is taken.
inline std::size_t unknown(std::size_t number) {
    volatile std::size_t hidden = number;
    return hidden;
}

/// Its threads' shadow memory shows in what the kernel counts.
constexpr bool with_thread_sanitizer =
#if defined(__SANITIZE_THREAD__)
    true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

constexpr bool fills_what_is_given_back =
#ifdef SCRATCH_DEBUG
    true;
#else
    false;
#endif

/// What a checker adds behind each block makes exact distances differ.
inline bool watched_by_a_checker() {
    made_stack stack;
    char *const first = static_cast<char *>(scratch_push(stack, 16, 16));
    return static_cast<char *>(scratch_push(stack, 16, 16)) != first + 16;
}
