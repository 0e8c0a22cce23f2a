// Coroutines: what runs on another stack gets nothing of the regions here, and resets nothing
// there.
#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "library.h"
#include "outside.hpp"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

// Ends where its mapping does, so that what lies above its frames cannot be read.
char *make_stack(std::size_t size) {
    auto *mapped = static_cast<char *>(
        mmap(nullptr, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(mapped != MAP_FAILED && mprotect(mapped + size, 4096, PROT_NONE) == 0);
    return mapped;
}

#ifdef __GLIBC__ // musl declares what switches contexts, and has none of it

ucontext_t main_context;
ucontext_t coroutine_context;
void *kept_by_coroutine;

void run_coroutine() {
    for (;;) {
        trusted_call(
            [](void *) {
                kept_by_coroutine = malloc(100);
                write_pattern(kept_by_coroutine, 100, 6);
                swapcontext(&coroutine_context, &main_context);
                REQUIRE(has_pattern(kept_by_coroutine, 100, 6));
            },
            nullptr);
    }
}

SCENARIO(coroutines) {
    constexpr std::size_t size = 64 * 1024;
    getcontext(&coroutine_context);
    coroutine_context.uc_stack.ss_sp = make_stack(size);
    coroutine_context.uc_stack.ss_size = size;
    coroutine_context.uc_link = &main_context;
    makecontext(&coroutine_context, run_coroutine, 0);
    for (int i = 0; i < 100; ++i) {
        void *outer = nullptr;
        trusted_call(
            [](void *place) {
                *static_cast<void **>(place) = malloc(100);
                swapcontext(&main_context, &coroutine_context);
                memset(malloc(100), 0xdd, 100);
            },
            &outer);
        overwrite_scratch();
        REQUIRE(has_pattern(kept_by_coroutine, 100, 6));
    }
    return 0;
}
TEST(coroutine, keeps_its_blocks_while_others_run_in_their_regions) {
    const outcome result = run(coroutines);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

SCENARIO(regions_of_coroutines) {
    constexpr std::size_t size = 64 * 1024;
    static int turns_done;
    getcontext(&coroutine_context);
    coroutine_context.uc_stack.ss_sp = make_stack(size);
    coroutine_context.uc_stack.ss_size = size;
    coroutine_context.uc_link = &main_context;
    start_of_scratch_memory();
    makecontext(
        &coroutine_context,
        [] {
            for (;; ++turns_done) {
                void *block = malloc(100);
                REQUIRE(!is_scratch(block));
                free(block);
                swapcontext(&coroutine_context, &main_context);
            }
        },
        0);
    for (int i = 0; i < 100; ++i)
        trusted_call(
            [](void *) {
                void *before = malloc(100);
                write_pattern(before, 100, 9);
                swapcontext(&main_context, &coroutine_context);
                void *after = malloc(100);
                REQUIRE(is_scratch(after) && has_pattern(before, 100, 9));
            },
            nullptr);
    REQUIRE(turns_done == 99);
    return 0;
}
TEST(coroutine, gets_nothing_of_the_region_that_it_was_resumed_in) {
    const outcome result = run(regions_of_coroutines);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    // The regions went on, and were taken back as trusted ones.
    EXPECT_EQ(result.count("escapes"), 0u);
    EXPECT_EQ(result.count("trusted_bytes"), 0u);
}

SCENARIO(context_set) {
    static volatile int rounds;
    start_of_scratch_memory();
    getcontext(&main_context);
    rounds = rounds + 1;
    if (rounds < 100) {
        trusted_call([](void *) { setcontext(&main_context); }, nullptr);
        REQUIRE(false);
    }
    expect_to_be_outside();
    return 0;
}
TEST(coroutine, that_sets_a_context_above_a_region_ends_it) {
    const outcome result = run(context_set);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

#endif

// The hooked call stands in the outermost frame, directly below what cannot be read.
#if defined(__x86_64__)
[[gnu::noinline]] void call_at_the_end_of_a_stack(char *end) {
    void *saved;
    __asm__ volatile("movq %%rsp, %[saved]\n\t"
                     "movq %[end], %%rsp\n\t"
                     "xorl %%edi, %%edi\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "call sum_of_numbers@PLT\n\t"
                     "movq %[saved], %%rsp"
                     : [saved] "=&b"(saved)
                     : [end] "r"(end)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1",
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "memory", "cc");
}
#elif defined(__aarch64__)
[[gnu::noinline]] void call_at_the_end_of_a_stack(char *end) {
    register char *stack __asm__("x19") = end;
    __asm__ volatile("mov x20, sp\n\t"
                     "mov sp, x19\n\t"
                     "mov w0, #0\n\t"
                     "bl sum_of_numbers\n\t"
                     "mov sp, x20"
                     :
                     : "r"(stack)
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                       "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x20", "x30", "v0", "v1",
                       "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21",
                       "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
                       "memory", "cc");
}
#endif

SCENARIO(end_of_stack) {
    constexpr std::size_t size = 64 * 1024;
    char *stack = make_stack(size);
    for (int i = 0; i < 3; ++i)
        for (std::size_t below = 0; below <= 256; below += 16)
            call_at_the_end_of_a_stack(stack + size - below);
    return 0;
}
TEST(coroutine, may_call_a_hooked_function_from_the_very_end_of_its_stack) {
    const outcome result = run(end_of_stack);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
