// pmr containers and containers with our allocator work, and give back what was last when they
// grow.
#include <scratch/scratch.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

template <typename T>
using vector_of = std::vector<T, scratch::allocator<T>>;
using text = std::basic_string<char, std::char_traits<char>, scratch::allocator<char>>;

static_assert(std::is_same_v<std::allocator_traits<scratch::allocator<int>>::rebind_alloc<char>,
                             scratch::allocator<char>>);
static_assert(std::is_nothrow_copy_constructible_v<scratch::allocator<int>>);
static_assert(std::is_trivially_destructible_v<scratch::allocator<int>>);

TEST(containers, that_grow_while_last_leave_no_old_buffers) {
    scratch::scope scope;
    scope.push(1);
    scratch_stack *const stack = &scope.stack();
    const scratch_mark before = scratch_save(stack);
    {
        std::pmr::string grown(scope.resource());
        for (int index = 0; index < 100000; ++index)
            grown += 'x';
    }
    EXPECT_EQ(scratch_save(stack), before) << "all is given back";
    {
        vector_of<int> grown{scratch::allocator<int>(*stack)};
        grown.reserve(1000);
        const scratch_mark reserved = scratch_save(stack);
        grown.clear();
        grown.shrink_to_fit();
        EXPECT_EQ(scratch_save(stack), before);
        grown.reserve(1000);
        EXPECT_EQ(scratch_save(stack), reserved);
    }
    EXPECT_EQ(scratch_save(stack), before);
}

TEST(containers, of_all_kinds_work_with_the_resource) {
    scratch::scope scope;
    std::pmr::map<int, std::pmr::string> tree(scope.resource());
    std::pmr::unordered_map<std::pmr::string, int> table(scope.resource());
    std::pmr::list<int> list(scope.resource());
    std::pmr::deque<int> deque(scope.resource());
    for (int index = 0; index < 1000; ++index) {
        tree[index % 100] += "some text that does not fit into the object itself";
        table[std::pmr::string(scope.format("key number %d of many", index), scope.resource())] =
            index;
        list.push_front(index);
        deque.push_back(index);
        if (index % 3 == 0) list.pop_back();
    }
    EXPECT_EQ(tree.size(), 100U);
    EXPECT_EQ(table.at("key number 999 of many"), 999);
    EXPECT_EQ(list.front(), 999);
    EXPECT_EQ(deque[500], 500);
}

TEST(containers, of_all_kinds_work_with_the_allocator) {
    scratch::owned_stack stack;
    const scratch::allocator<int> allocator(stack);
    std::map<int, int, std::less<>, scratch::allocator<std::pair<const int, int>>> tree(allocator);
    std::list<int, scratch::allocator<int>> list(allocator);
    vector_of<vector_of<int>> nested{scratch::allocator<vector_of<int>>(stack)};
    text words{scratch::allocator<char>(stack)};
    for (int index = 0; index < 1000; ++index) {
        tree[index] = index;
        list.push_back(index);
        nested.emplace_back(3, index, allocator);
        words += "words ";
    }
    EXPECT_EQ(tree.at(500), 500);
    EXPECT_EQ(nested[999][2], 999);
    EXPECT_EQ(words.size(), 6000U);
    vector_of<int> copied(nested[5]);
    vector_of<int> moved(std::move(nested[6]));
    copied = moved;
    EXPECT_EQ(copied[0], 6);
    EXPECT_TRUE(scratch_owns(stack.get(), copied.data()));
    std::swap(copied, nested[7]);
    EXPECT_EQ(copied[0], 7);
    const auto shared = std::allocate_shared<int>(allocator, 42);
    EXPECT_EQ(*shared, 42);
}

TEST(containers, compare_their_stacks) {
    scratch::owned_stack first;
    scratch::owned_stack second;
    EXPECT_TRUE(scratch::allocator<int>(first) == scratch::allocator<char>(first));
    EXPECT_FALSE(scratch::allocator<int>(first) == scratch::allocator<int>(second));
    const scratch::stack_resource one(first);
    const scratch::stack_resource same(first);
    const scratch::stack_resource other(second);
    EXPECT_TRUE(one.is_equal(same));
    EXPECT_FALSE(one.is_equal(other));
    EXPECT_FALSE(one.is_equal(*std::pmr::new_delete_resource()));
}

TEST(containers, throw_where_there_is_no_room) {
    scratch::owned_stack stack({.name = "small", .reserve = 64 * 1024, .keep = 0, .flags = 0});
    scratch::stack_resource resource(stack);
    std::pmr::vector<char> grown(&resource);
    EXPECT_THROW(grown.resize(100000), std::bad_alloc);
    const volatile std::size_t too_much = SIZE_MAX; // the compiler would warn
    EXPECT_THROW((void)resource.allocate(too_much, 16), std::bad_alloc);
    scratch::allocator<long> allocator(stack);
    EXPECT_THROW((void)allocator.allocate(SIZE_MAX / 4), std::bad_array_new_length);
    EXPECT_THROW((void)allocator.allocate(100000), std::bad_alloc);
    grown.resize(1000);
    EXPECT_EQ(grown[999], 0);
}

TEST(containers, on_each_thread_use_its_own_stack) {
    const auto check = [] {
        scratch::scope scope;
        std::pmr::vector<int> numbers(1000, 7, scratch::resource());
        EXPECT_TRUE(scratch_owns(scratch_this_thread(), numbers.data()));
        std::vector<int, scratch::allocator<int>> more(1000);
        EXPECT_TRUE(scratch_owns(scratch_this_thread(), more.data()));
    };
    check();
    std::thread(check).join();
}

} // namespace
