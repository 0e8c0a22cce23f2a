// C++ objects on a stack: destructors in reverse on restore and during unwinding, constructors that
// throw leave nothing behind, and types without a destructor cost nothing.
#include <scratch/scratch.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

class noted {
public:
    noted(std::string *log, char name) : log_(log), name_(name) {}
    noted(const noted &) = delete;
    noted &operator=(const noted &) = delete;
    ~noted() { *log_ += name_; }

private:
    std::string *log_;
    char name_;
};

TEST(objects, are_destroyed_in_reverse_at_the_end_of_their_scope) {
    std::string log;
    {
        scratch::scope outer;
        outer.make<noted>(&log, 'a');
        {
            scratch::scope inner;
            inner.make<noted>(&log, 'b');
            inner.push(1000);
            inner.make<noted>(&log, 'c');
        }
        EXPECT_EQ(log, "cb");
    }
    EXPECT_EQ(log, "cba");
}

TEST(objects, are_destroyed_during_unwinding) {
    std::string log;
    scratch::owned_stack stack;
    const scratch_mark before = scratch_save(stack.get());
    try {
        scratch::scope scope(stack);
        scope.make<noted>(&log, 'x');
        scope.make<std::string>(1000U, 'y');
        throw std::runtime_error("out");
    } catch (const std::runtime_error &) {
        EXPECT_EQ(log, "x");
    }
    EXPECT_EQ(scratch_save(stack.get()), before);
}

struct thrower {
    thrower(scratch_stack &stack, std::string *log, int when) {
        scratch::make<noted>(stack, log, 'i');
        scratch::array<char>(stack, 10000);
        if (countdown-- == when) throw std::runtime_error("no");
    }
    ~thrower() { ++destroyed; }
    static inline int countdown = 0;
    static inline int destroyed = 0;
};

TEST(objects, whose_constructor_throws_leave_the_stack_as_it_was) {
    std::string log;
    scratch::owned_stack stack;
    scratch_push(stack.get(), 24, 8);
    const scratch_mark before = scratch_save(stack.get());
    thrower::countdown = 1;
    EXPECT_THROW(scratch::make<thrower>(stack, stack, &log, 1), std::runtime_error);
    EXPECT_EQ(scratch_save(stack.get()), before);
    EXPECT_EQ(log, "i") << "what the constructor made before it threw is destroyed";
    EXPECT_EQ(thrower::destroyed, 0) << "an object that was never made is not";
    scratch::make<thrower>(stack, stack, &log, 1000);
    scratch_restore(stack.get(), before);
    EXPECT_EQ(thrower::destroyed, 1);
    EXPECT_EQ(log, "ii");
}

struct element {
    element() {
        if (alive == limit) throw std::runtime_error("enough");
        number = alive++;
    }
    ~element() {
        --alive;
        EXPECT_EQ(number, alive) << "the last one first";
    }
    int number = 0;
    static inline int alive = 0;
    static inline int limit = 1000;
};

TEST(objects, of_an_array_are_all_made_or_none) {
    scratch::owned_stack stack;
    const scratch_mark before = scratch_save(stack.get());
    {
        scratch::scope scope(stack);
        EXPECT_EQ(scope.array<element>(100).size(), 100U);
        EXPECT_EQ(element::alive, 100);
        EXPECT_TRUE(scope.array<element>(0).empty());
    }
    EXPECT_EQ(element::alive, 0);
    element::limit = 7;
    EXPECT_THROW(scratch::array<element>(stack, 10), std::runtime_error);
    EXPECT_EQ(element::alive, 0);
    EXPECT_EQ(scratch_save(stack.get()), before);
    element::limit = 1000;
}

TEST(objects, without_a_destructor_take_their_size_only) {
    struct plain {
        double a, b;
    };
    scratch::owned_stack stack;
    scratch_push(stack.get(), 1, 1);
    const char *const first = static_cast<char *>(scratch_push(stack.get(), 16, 16));
    const char *const second = static_cast<char *>(scratch_push(stack.get(), 16, 16));
    plain *const third = scratch::make<plain>(stack, 1.0, 2.0);
    plain *const fourth = scratch::make<plain>(stack);
    EXPECT_EQ(reinterpret_cast<char *>(fourth) - reinterpret_cast<char *>(third), second - first);
    EXPECT_EQ(third->b, 2.0);
    EXPECT_EQ(fourth->a, 0.0);
}

TEST(objects, are_null_or_whole_with_try_make) {
    scratch::owned_stack stack({.name = "small", .reserve = 4096, .keep = 0, .flags = 0});
    std::string log;
    scratch_mark before = scratch_save(stack.get());
    int made = 0;
    while (scratch::try_make<noted>(stack, &log, 'n') != nullptr) {
        before = scratch_save(stack.get());
        ASSERT_LT(++made, 1000);
    }
    EXPECT_GT(made, 10);
    EXPECT_EQ(scratch_save(stack.get()), before);
    const std::size_t destroyed = log.size(); // one at most: room for it, but not for its record
    EXPECT_LE(destroyed, 1U);
    scratch_restore(stack.get(), 0);
    EXPECT_EQ(log.size(), destroyed + static_cast<std::size_t>(made));
}

TEST(objects, of_an_array_are_none_with_try_array_where_there_is_no_room) {
    element::limit = 1 << 20;
    for (std::size_t reserve = 4096; reserve <= 3 * 4096; reserve += 4096) {
        scratch::owned_stack stack({.name = "small", .reserve = reserve, .keep = 0, .flags = 0});
        scratch_mark before = scratch_save(stack.get());
        int made = 0;
        while (scratch::try_array<element>(stack, 7).size() == 7) {
            before = scratch_save(stack.get());
            ASSERT_EQ(element::alive, 7 * ++made);
        }
        EXPECT_GT(made, 10);
        EXPECT_EQ(errno, ENOMEM);
        EXPECT_EQ(element::alive, 7 * made) << "those of the last attempt are gone again";
        EXPECT_EQ(scratch_save(stack.get()), before);
        scratch_restore(stack.get(), 0);
        EXPECT_EQ(element::alive, 0);
    }
    element::limit = 1000;
}

TEST(spans, are_empty_with_try_where_there_is_no_room) {
    scratch::owned_stack stack({.name = "small", .reserve = 4096, .keep = 0, .flags = 0});
    scratch::scope scope(stack);
    const scratch_mark before = scratch_save(stack.get());
    for (const std::size_t count : {std::size_t{5000}, SIZE_MAX / 4 + 2, SIZE_MAX}) {
        errno = 0;
        EXPECT_EQ(scope.try_array<int>(count).data(), nullptr);
        EXPECT_EQ(errno, ENOMEM);
        EXPECT_TRUE(scope.try_array<std::string>(count).empty());
        EXPECT_TRUE(scope.try_array_uninit<int>(count).empty());
        EXPECT_TRUE(scope.try_array_zero<int>(count).empty());
        EXPECT_EQ(scope.try_push(count), nullptr);
    }
    EXPECT_EQ(scope.try_format("%5000d", 1).data(), nullptr);
    EXPECT_EQ(scratch::try_format(stack, "%5000d", 1).data(), nullptr);
    EXPECT_EQ(scratch_save(stack.get()), before) << "nothing is left of them";
    EXPECT_EQ(scope.try_array<int>(100)[99], 0);
    EXPECT_EQ(scope.try_array_zero<int>(100)[99], 0);
    EXPECT_EQ(scope.try_array_uninit<int>(100).size(), 100U);
    EXPECT_EQ(scope.try_format("%d", 7), "7");
    EXPECT_EQ(*scope.try_make<int>(3), 3);
    EXPECT_NE(scope.try_push(1), nullptr);
}

TEST(spans, are_initialised_as_their_names_say) {
    scratch::scope scope;
    for (const int each : scope.array<int>(1000))
        ASSERT_EQ(each, 0);
    for (int &each : scope.array_uninit<int>(1000))
        each = 7;
    for (const int each : scope.array_zero<int>(100000))
        ASSERT_EQ(each, 0);
    EXPECT_EQ(scope.array<std::string>(3)[2], "");
    EXPECT_TRUE(scope.array<int>(0).empty());
    EXPECT_TRUE(scope.array_uninit<int>(0).empty());
    EXPECT_TRUE(scope.array_zero<int>(0).empty());
    struct alignas(256) wide {
        char bytes[256];
    };
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(scope.array<wide>(2).data()) % 256, 0U);
}

TEST(spans, of_text_are_formatted) {
    scratch::scope scope;
    EXPECT_EQ(scope.format("%d-%s", 5, "x"), "5-x");
    EXPECT_EQ(scratch::format(scope.stack(), "%s", ""), "");
}

static_assert(!std::is_move_constructible_v<scratch::scope>);
static_assert(!std::is_copy_constructible_v<scratch::scope>);

TEST(scopes, avoid_conflicts) {
    scratch::scope first;
    scratch::scope second = scratch::scope::avoiding({&first.stack()});
    scratch::scope third = scratch::scope::avoiding({&first.stack(), &second.stack()});
    EXPECT_NE(&first.stack(), &second.stack());
    EXPECT_NE(&third.stack(), &second.stack());
    EXPECT_NE(&third.stack(), &first.stack());
}

void results_on_an_outer_scope() {
    scratch::owned_stack stack(
        {.name = "shared", .reserve = 0, .keep = 0, .flags = SCRATCH_CHECKED});
    scratch::scope outer(stack, "results");
    scratch::scope inner(stack, "scratch");
    inner.make<int>(1);
    outer.make<int>(2);
}

TEST(scopes_death, name_both_when_an_outer_one_is_used_too_early) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(results_on_an_outer_scope(),
                 "push on scope 'results' of stack 'shared' while scope 'scratch'");
}

TEST(frames, take_turns) {
    scratch::frames<2> frames;
    int *const first = scratch::make<int>(frames.begin(), 1);
    int *const second = scratch::make<int>(frames.begin(), 2);
    EXPECT_EQ(*first, 1);
    EXPECT_EQ(scratch::make<int>(frames.begin(), 3), first);
    EXPECT_EQ(*second, 2);
}

} // namespace
