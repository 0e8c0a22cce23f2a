// Whatever is allocated, resized and freed in whatever order, on whatever thread, in whatever
// regions: each block keeps its contents, and no two overlap.
#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <unistd.h>
#include <vector>

#include "malloc_names.hpp"
#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

struct held {
    unsigned char *block = nullptr;
    std::size_t size = 0;
    std::size_t number = 0;
};

// A fixed array and a generator that allocates nothing: the fuzz must not feed on itself.
class work {
public:
    explicit work(unsigned seed) : random_(seed) {}
    work(const work &) = delete;
    work &operator=(const work &) = delete;

    void step() {
        held &one = blocks_[below(std::size(blocks_))];
        if (one.block == nullptr)
            allocate(one);
        else if (below(3) == 0)
            resize(one);
        else
            release(one);
    }

    void release_all() {
        for (held &one : blocks_)
            if (one.block != nullptr) release(one);
    }

    // Blocks change hands between threads here.
    void swap_with(held *shared, std::size_t count, std::mutex &lock) {
        const std::lock_guard guard(lock);
        std::swap(blocks_[below(std::size(blocks_))], shared[below(count)]);
    }

    std::size_t below(std::size_t end) { return random_() % end; }

    static void check(const held &one) {
        REQUIRE(has_pattern(one.block, one.size, one.number));
        REQUIRE(malloc_usable_size(one.block) >= one.size);
    }

private:
    std::size_t some_size() {
        switch (below(40)) {
        case 0:
            return below(300000);
        case 1:
            return 32000 + below(2000);
        case 2:
        case 3:
            return below(10000);
        default:
            return below(400);
        }
    }

    void allocate(held &one) {
        const std::size_t size = some_size();
        void *block = nullptr;
        bool zeroed = false;
        switch (below(8)) {
        case 0:
            block = calloc(1, size);
            zeroed = true;
            break;
        case 1:
            block = memalign(std::size_t{1} << below(14), size);
            break;
        case 2:
            REQUIRE(posix_memalign(&block, std::size_t{8} << below(11), size) == 0);
            break;
        case 3:
            block = ::operator new(size);
            break;
        case 4:
            block = scratch_alloc(size);
            break;
        default:
            block = malloc(size);
        }
        REQUIRE(block != nullptr && reinterpret_cast<std::uintptr_t>(block) % 16 == 0);
        REQUIRE(!zeroed || is_zero(block, size));
        one = {static_cast<unsigned char *>(block), size, ++number_};
        write_pattern(one.block, one.size, one.number);
    }

    void resize(held &one) {
        check(one);
        const std::size_t size = some_size() + 1;
        auto *moved = static_cast<unsigned char *>(realloc(one.block, size));
        REQUIRE(has_pattern(moved, std::min(size, one.size), one.number, one.size));
        one = {moved, size, ++number_};
        write_pattern(moved, size, one.number);
    }

    void release(held &one) {
        check(one);
        std::memset(one.block, 0xdd, std::min<std::size_t>(one.size, 64));
        free(one.block);
        one = {};
    }

    std::minstd_rand random_;
    std::size_t number_ = 0;
    held blocks_[120];
};

// Blocks are freed before a trusted region ends, as it demands; from counted ones some escape.
void in_regions(work &outer, int depth) {
    const bool trusted = outer.below(3) == 0;
    SCRATCH_REGION("fuzz", trusted ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
    work own(static_cast<unsigned>(outer.below(1000000)) + 1);
    for (int i = 0; i < 300; ++i) {
        own.step();
        if (!trusted && i % 3 == 0) outer.step();
    }
    if (depth > 0) in_regions(trusted ? own : outer, depth - 1);
    for (int i = 0; i < 100; ++i)
        own.step();
    own.release_all();
}

SCENARIO(on_one_thread) {
    work always(7);
    for (int round = 0; round < 120; ++round) {
        for (int i = 0; i < 200; ++i)
            always.step();
        in_regions(always, static_cast<int>(always.below(4)));
    }
    always.release_all();
    return 0;
}

constexpr std::size_t shared_count = 64;
held shared_blocks[shared_count];
std::mutex shared_lock;

void fuzz_thread(unsigned seed) {
    work own(seed);
    for (int round = 0; round < 60; ++round) {
        SCRATCH_REGION("thread");
        for (int i = 0; i < 400; ++i) {
            own.step();
            if (i % 4 == 0) own.swap_with(shared_blocks, shared_count, shared_lock);
        }
        if (round % 4 == 0) {
            SCRATCH_REGION("trusted", SCRATCH_TRUSTED);
            work inner(seed + static_cast<unsigned>(round));
            for (int i = 0; i < 300; ++i)
                inner.step();
            inner.release_all();
        }
    }
    // Some blocks stay with those that come after.
    for (int i = 0; i < 50; ++i)
        own.swap_with(shared_blocks, shared_count, shared_lock);
    own.release_all();
}

SCENARIO(on_many_threads) {
    for (unsigned generation = 0; generation < 3; ++generation) {
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 5; ++t)
            threads.emplace_back(fuzz_thread, 100 * generation + t + 1);
        for (std::thread &thread : threads)
            thread.join();
    }
    for (const held &one : shared_blocks) {
        if (one.block == nullptr) continue;
        work::check(one);
        free(one.block);
    }
    return 0;
}

// No two live blocks have a byte in common, told by their addresses alone: a pattern would miss an
// overlap of bytes that are equal.
SCENARIO(addresses) {
    std::minstd_rand random(5);
    static struct {
        std::uintptr_t begin;
        std::uintptr_t end;
    } live[600];
    for (int round = 0; round < 30; ++round) {
        SCRATCH_REGION("addresses");
        for (int i = 0; i < 1500; ++i) {
            auto &place = live[random() % std::size(live)];
            if (place.begin != 0) {
                free(reinterpret_cast<void *>(place.begin));
                place.begin = place.end = 0;
                continue;
            }
            void *block = malloc(random() % 20 == 0 ? random() % 100000 : random() % 200);
            const auto begin = reinterpret_cast<std::uintptr_t>(block);
            const std::uintptr_t end = begin + malloc_usable_size(block);
            for (const auto &other : live)
                REQUIRE(other.begin == 0 || end <= other.begin || other.end <= begin);
            place.begin = begin;
            place.end = end;
        }
    }
    return 0;
}

class contents : public testing::TestWithParam<std::pair<const char *, const char *>> {};

TEST_P(contents, stay_whole) {
    for (const scenario *wanted : {&on_one_thread, &on_many_threads, &addresses}) {
        const outcome result =
            run(*wanted, {.mode = GetParam().first,
                          .environment = {std::string("SCRATCH_BUDGET=") + GetParam().second}});
        EXPECT_TRUE(result.exited_with(0)) << wanted->name << ": " << result.describe();
        if (std::strcmp(GetParam().first, "scoped") == 0) {
            EXPECT_GT(result.count("scratch_calls"), 0u) << wanted->name;
            EXPECT_LE(result.count("chunk_bytes_peak"), std::strtoul(GetParam().second, nullptr, 10)
                                                            << 20);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(modes, contents,
                         testing::Values(std::pair("scoped", "8M"), std::pair("scoped", "1M"),
                                         std::pair("adaptive", "8M"), std::pair("off", "8M")));

} // namespace
