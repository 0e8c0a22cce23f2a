// A signal handler may come between any two instructions of malloc and free, and allocate and free
// as it likes: what the program holds stays whole, and all of it comes back. The processor stops
// after each instruction, and the handler acts at one of them after the other.
#include <csignal>
#include <gtest/gtest.h>
#include <initializer_list>
#include <ucontext.h>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

#if defined(__x86_64__)

namespace {

constexpr greg_t trap_flag = 0x100;

struct held {
    void *block = nullptr;
    std::size_t size = 0;
};

// What the program and its handler hold, each with the pattern of its place.
held all_held[400];
std::size_t held_count = 0;

std::size_t take(std::size_t size) {
    REQUIRE(held_count < std::size(all_held));
    held &one = all_held[held_count];
    one = {malloc(size), size};
    REQUIRE(one.block != nullptr);
    write_pattern(one.block, size, held_count);
    return held_count++;
}

void *let_go(std::size_t number) {
    held &one = all_held[number];
    REQUIRE(has_pattern(one.block, one.size, number));
    void *block = one.block;
    one.block = nullptr;
    return block;
}

void check_all() {
    for (std::size_t i = 0; i < held_count; ++i)
        REQUIRE(all_held[i].block == nullptr ||
                has_pattern(all_held[i].block, all_held[i].size, i));
}

void (*acts)();
int steps_before;
bool has_acted;

void on_step(int, siginfo_t *, void *context) {
    if (steps_before-- > 0) return;
    static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
    has_acted = true;
    acts();
}

__attribute__((noinline)) void begin_stepping() {
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n"
                     "leaq 128(%%rsp), %%rsp" ::
                         : "memory", "cc");
}
__attribute__((noinline)) void end_stepping() {
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n pushfq\n andq $-0x101, (%%rsp)\n popfq\n"
                     "leaq 128(%%rsp), %%rsp" ::
                         : "memory", "cc");
}

// --- what a handler does

std::size_t newest;

void take_and_free() { free(let_go(take(100))); }

void take_some() {
    take(100);
    take(300);
}

void free_the_newest() { free(let_go(newest)); }

// So much that the chunk it found is left, and used again if nothing lives in it.
void fill_chunks() {
    for (int i = 0; i < 12; ++i)
        take(16000); // all of whose bytes are looked at
}

void free_the_newest_and_fill() {
    free_the_newest();
    fill_chunks();
}

void work_in_a_region() {
    SCRATCH_REGION("handler", SCRATCH_TRUSTED);
    for (int i = 0; i < 5; ++i)
        memset(malloc(30000), 0xee, 30000);
}

// --- what it interrupts

std::size_t chosen;
void *chosen_block;

void take_two() {
    chosen = take(200);
    newest = take(100);
}
void take_four() {
    take(50);
    chosen = take(200);
    take(60);
    newest = take(100);
}
void take_hole_below() {
    const std::size_t below = take(80);
    chosen = take(200);
    newest = take(100);
    free(let_go(below));
}
// A chunk nearly used up in which nothing else lives.
void take_above_large_holes() {
    const std::size_t below[] = {take(30000), take(25000)};
    chosen = take(200);
    newest = take(100);
    for (const std::size_t one : below)
        free(let_go(one));
}
void take_newest() {
    newest = take(100);
    chosen = take(200);
}
void take_newest_above_hole() {
    newest = take(100);
    const std::size_t below = take(90);
    chosen = take(200);
    free(let_go(below));
}

void free_chosen() { free(chosen_block); }
void take_one() { chosen_block = malloc(150); }

void interrupt(void (*prepare)(), bool frees, void (*handler)(), unsigned kind) {
    acts = handler;
    for (int steps = 0;; ++steps) {
        {
            SCRATCH_REGION("interrupted", kind);
            prepare();
            chosen_block = frees ? let_go(chosen) : nullptr;
            has_acted = false;
            steps_before = steps;
            begin_stepping();
            if (frees)
                free_chosen();
            else
                take_one();
            end_stepping();
            if (!frees) {
                memset(chosen_block, 0xdd, 150);
                check_all();
            }
            // Whatever is wrong beneath shows where these come to lie.
            for (std::size_t size : {40U, 500U, 30000U, 20U, 7000U, 30000U, 30000U, 10U})
                take(size);
            check_all();
            if (!frees) free(chosen_block);
            for (std::size_t i = 0; i < held_count; ++i)
                if (all_held[(i * 7) % held_count].block != nullptr && i % 2 == 0)
                    free(let_go((i * 7) % held_count));
            for (std::size_t size : {300U, 60U, 5000U, 30000U, 30000U})
                take(size);
            for (std::size_t i = 0; i < held_count; ++i)
                if (all_held[i].block != nullptr) free(let_go(i));
            held_count = 0;
        }
        if (!has_acted) return;
        REQUIRE(steps < 5000);
    }
}

void listen() {
    struct sigaction action = {};
    action.sa_sigaction = on_step;
    action.sa_flags = SA_SIGINFO;
    REQUIRE(sigaction(SIGTRAP, &action, nullptr) == 0);
}

SCENARIO(interrupted_frees) {
    start_of_scratch_memory();
    listen();
    for (auto *prepare : {take_two, take_four, take_hole_below, take_above_large_holes, take_newest,
                          take_newest_above_hole})
        for (auto *handler : {take_and_free, take_some, free_the_newest, fill_chunks,
                              free_the_newest_and_fill, work_in_a_region})
            for (const unsigned kind : {SCRATCH_COUNTED, SCRATCH_TRUSTED})
                interrupt(prepare, true, handler, kind);
    return 0;
}

SCENARIO(interrupted_mallocs) {
    start_of_scratch_memory();
    listen();
    for (auto *prepare : {take_two, take_hole_below, take_above_large_holes})
        for (auto *handler : {take_and_free, take_some, free_the_newest, fill_chunks,
                              free_the_newest_and_fill, work_in_a_region})
            for (const unsigned kind : {SCRATCH_COUNTED, SCRATCH_TRUSTED})
                interrupt(prepare, false, handler, kind);
    return 0;
}

void expect_whole(const scenario &wanted) {
    for (const bool statistics : {true, false}) {
        const outcome result = run(wanted, {.statistics = statistics});
        ASSERT_TRUE(result.exited_with(0)) << result.describe();
        if (!statistics) continue;
        EXPECT_EQ(result.count("chunk_bytes"), 0u);
        EXPECT_EQ(result.count("trusted_bytes"), 0u);
        EXPECT_LE(result.count("chunk_bytes_peak"), 2u << 20);
    }
}

TEST(handlers, may_interrupt_every_instruction_of_free) { expect_whole(interrupted_frees); }
TEST(handlers, may_interrupt_every_instruction_of_malloc) { expect_whole(interrupted_mallocs); }

} // namespace

#else

TEST(handlers, may_interrupt_every_instruction) {
    GTEST_SKIP() << "LOUDLY SKIPPED: stepping is written for x86-64 only";
}

#endif
