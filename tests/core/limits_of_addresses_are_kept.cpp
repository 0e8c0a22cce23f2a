// Where addresses are limited a stack takes a sixteenth of the limit at most, and less where that
// is not free.
#include "made_stack.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr std::size_t mebibyte = 1 << 20;

/// Runs `body` in a child that may map `limit` bytes; its result is the child's exit status.
template <typename body_t>
int under_limit(std::size_t limit, body_t body) {
    const pid_t child = fork();
    if (child == 0) {
        const rlimit wanted{limit, limit};
        if (setrlimit(RLIMIT_AS, &wanted) != 0) _exit(99);
        _exit(body());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// macOS refuses limits below what is mapped from the start, and older releases look at none.
bool system_limits_addresses() {
    return under_limit(1024 * mebibyte, [] {
               return mmap(nullptr, 2048 * mebibyte, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                           0) == MAP_FAILED
                          ? 0
                          : 1;
           }) == 0;
}

class limits : public testing::Test {
    void SetUp() override {
        if (!system_limits_addresses()) GTEST_SKIP() << "the system limits no addresses";
        if (watched_by_a_checker() || with_thread_sanitizer) {
            GTEST_SKIP() << "a checker's own addresses pass any limit";
        }
    }
};

TEST_F(limits, of_addresses_leave_fifteen_sixteenths_to_the_program) {
    EXPECT_EQ(under_limit(1024 * mebibyte,
                          [] {
                              scratch_stack *const stack = scratch_stack_create(nullptr);
                              if (stack == nullptr) return 1;
                              const std::size_t reserved = scratch_stats(stack).reserved;
                              if (reserved > 64 * mebibyte || reserved < 63 * mebibyte) return 2;
                              std::memset(scratch_push(stack, 60 * mebibyte, 16), 1, 60 * mebibyte);
                              if (scratch_try_push(stack, 10 * mebibyte, 16) != nullptr) return 3;
                              if (scratch_try_push_zero(scratch_this_thread(), 100000, 8) ==
                                  nullptr)
                                  return 4;
                              return 0;
                          }),
              0);
}

TEST_F(limits, that_are_nearly_used_up_get_less) {
    EXPECT_EQ(under_limit(1024 * mebibyte,
                          [] {
                              // All but some ten mebibytes is gone.
                              std::size_t step = 512 * mebibyte;
                              for (; step >= 8 * mebibyte; step /= 2) {
                                  while (mmap(nullptr, step, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                                              -1, 0) != MAP_FAILED) {
                                  }
                              }
                              scratch_stack *const stack = scratch_stack_create(nullptr);
                              if (stack == nullptr) return 1;
                              if (scratch_stats(stack).reserved > 8 * mebibyte) return 2;
                              return scratch_try_push(stack, 60 * 1024, 16) != nullptr ? 0 : 3;
                          }),
              0);
}

TEST_F(limits, that_are_used_up_give_null) {
    EXPECT_EQ(under_limit(256 * mebibyte,
                          [] {
                              while (scratch_stack_create(nullptr) != nullptr) {
                              }
                              if (errno != ENOMEM) return 1;
                              errno = 0;
                              if (scratch_try_push(scratch_this_thread(), 1, 1) != nullptr)
                                  return 2;
                              return errno == ENOMEM ? 0 : 3;
                          }),
              0);
}

TEST_F(limits, do_not_cut_a_size_that_was_asked_for) {
    EXPECT_EQ(under_limit(1024 * mebibyte,
                          [] {
                              const scratch_options asked{"asked", 256 * mebibyte, 0, 0};
                              scratch_stack *const stack = scratch_stack_create(&asked);
                              if (stack == nullptr) return 1;
                              if (scratch_stats(stack).reserved != 256 * mebibyte) return 2;
                              const scratch_options too_much{"much", 2048 * mebibyte, 0, 0};
                              return scratch_stack_create(&too_much) == nullptr ? 0 : 3;
                          }),
              0);
}

TEST_F(limits, that_do_not_exist_give_16_gib) {
    made_stack stack;
    EXPECT_GE(scratch_stats(stack).reserved, std::size_t{1} << 30);
    EXPECT_LE(scratch_stats(stack).reserved, std::size_t{16} << 30);
}

} // namespace
