// What the tests of switched stacks share: stacks, a coroutine's blocks, and how a scenario ends.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

#include <gtest/gtest.h>
#include <scratch/annotate.h>
#include <sys/mman.h>

#include "library.h"
#include "scenario.hpp"
#include "scratch_memory.hpp"
#include "switched_stacks.hpp"

inline constexpr std::size_t stack_size = 64 * 1024;
inline constexpr int rounds = 100;

inline char *make_stack(std::size_t size = stack_size) {
    void *mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(mapped != MAP_FAILED);
    return static_cast<char *>(mapped);
}

// A block from each of the ways to get one.
struct blocks {
    static constexpr std::size_t size = 100;
    std::array<void *, 9> each;

    void take() {
        static char text[size];
        memset(text, 'x', size - 1);
        void *aligned = nullptr;
        REQUIRE(posix_memalign(&aligned, 64, size) == 0);
        each = {malloc(size),
                calloc(1, size),
                realloc(nullptr, size),
                realloc(malloc(1), size),
                aligned,
                operator new(size),
                operator new[](size),
                strdup(text),
                scratch_alloc(size)};
        for (std::size_t i = 0; i < each.size(); ++i)
            write_pattern(each[i], size, i);
    }
    bool are_whole() const {
        for (std::size_t i = 0; i < each.size(); ++i)
            if (!has_pattern(each[i], size, i)) return false;
        return true;
    }
    bool any_is_scratch() const { return std::any_of(each.begin(), each.end(), is_scratch); }
    void give_back() {
        for (void *block : {each[0], each[1], each[2], each[3], each[4], each[7]})
            free(block);
        operator delete(each[5]);
        operator delete[](each[6]);
        scratch_free(each[8]);
    }
};

inline void keep_blocks(coroutine &self) {
    blocks mine;
    self.kept = &mine;
    for (;;) {
        mine.take();
        self.yield();
        REQUIRE(mine.are_whole());
        mine.give_back();
    }
}

inline void resume(void *resumed) { static_cast<coroutine *>(resumed)->resume(); }

inline void resume_inside(void *resumed) {
    void *before = malloc(100);
    write_pattern(before, 100, 9);
    resume(resumed);
    void *after = malloc(100);
    memset(after, 0xdd, 100);
    REQUIRE(is_scratch(before) && is_scratch(after) && has_pattern(before, 100, 9));
}

inline void expect_success(std::initializer_list<const scenario *> scenarios) {
    for (const scenario *body : scenarios)
        for (const bool counted : {false, true}) {
            const outcome result = run(*body, {.statistics = counted});
            EXPECT_TRUE(result.exited_with(0)) << body->name << ": " << result.describe();
        }
}
