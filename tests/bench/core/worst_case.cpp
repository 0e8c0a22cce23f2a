// How long the slowest of 10 million pushes takes, warm, beside malloc's and beside no call at all:
// what the machine itself takes away (its timer, other guests) shows in all three alike. Rounds of
// the three take turns, over the same sizes.
#include <scratch/scratch.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#ifdef __x86_64__
#include <x86intrin.h>
#endif

namespace {

constexpr std::size_t blocks_of_round = 1000;
constexpr std::size_t rounds = 10000;

#ifdef __x86_64__
std::uint64_t ticks() {
    unsigned processor = 0;
    return __rdtscp(&processor);
}
#else
std::uint64_t ticks() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000000000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}
#endif

double nanoseconds_of_a_tick() {
    const auto now = [] {
        timespec time{};
        clock_gettime(CLOCK_MONOTONIC, &time);
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
    };
    const double start = now();
    const std::uint64_t first = ticks();
    while (now() - start < 5e7) {
    }
    return (now() - start) / static_cast<double>(ticks() - first);
}

/// How often each time was measured; its own memory is there before the first.
class distribution {
public:
    void add(std::uint64_t time) {
        ++often_[std::min<std::uint64_t>(time, often_.size() - 1)];
        longest_ = std::max(longest_, time);
        ++count_;
    }
    /// The shortest time that this share of all took no longer than.
    std::uint64_t of_share(double share) const {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
        std::uint64_t so_far = 0;
        for (std::size_t time = 0; time + 1 < often_.size(); ++time) {
            so_far += often_[time];
            if (so_far > wanted) return time;
        }
        return longest_;
    }
    std::uint64_t longer_than(std::uint64_t limit) const {
        std::uint64_t all = 0;
        for (std::size_t time = limit; time < often_.size(); ++time)
            all += often_[time];
        return all;
    }
    std::uint64_t longest() const { return longest_; }

private:
    std::vector<std::uint32_t> often_ = std::vector<std::uint32_t>(1 << 20);
    std::uint64_t longest_ = 0;
    std::uint64_t count_ = 0;
};

using sizes_t = std::array<std::size_t, blocks_of_round>;

/// Sizes of all orders up to 64 KiB, the small ones more often.
sizes_t make_sizes() {
    sizes_t sizes{};
    std::uint32_t word = 1;
    for (std::size_t &size : sizes) {
        word = word * 1664525U + 1013904223U;
        size = (word >> 8) % (std::size_t{16} << (word >> 4) % 13) + 1;
    }
    return sizes;
}

void touch(void *block) {
    *static_cast<char *>(block) = 1;
    __asm__ volatile("" : : "r"(block) : "memory");
}

struct nothing {
    static constexpr const char *name = "no call";
    void *take(std::size_t) { return &byte; }
    void end_round() {}
    char byte = 0;
};

struct push {
    static constexpr const char *name = "scratch_push";
    void *take(std::size_t size) { return scratch_push(stack, size, 16); }
    void end_round() { scratch_restore(stack, 0); }
    scratch_stack *stack = scratch_stack_create(nullptr);
};

struct heap {
    static constexpr const char *name = "malloc";
    void *take(std::size_t size) { return blocks[count++] = std::malloc(size); }
    void end_round() {
        while (count != 0)
            std::free(blocks[--count]);
    }
    std::array<void *, blocks_of_round> blocks{};
    std::size_t count = 0;
};

template <typename taker_t>
void one_round(taker_t &taker, const sizes_t &sizes, distribution &times) {
    for (const std::size_t size : sizes) {
        const std::uint64_t start = ticks();
        void *const block = taker.take(size);
        __asm__ volatile("" : : "r"(block) : "memory");
        times.add(ticks() - start);
        touch(block);
    }
    taker.end_round();
}

template <typename... takers>
void measure(takers... all) {
    const sizes_t sizes = make_sizes();
    std::array<distribution, sizeof...(takers)> warming;
    std::array<distribution, sizeof...(takers)> times;
    const auto in_turn = [&](auto &into) {
        std::size_t index = 0;
        (one_round(all, sizes, into[index++]), ...);
    };
    for (int round = 0; round < 100; ++round)
        in_turn(warming);
    for (std::size_t round = 0; round < rounds; ++round)
        in_turn(times);
    const double tick = nanoseconds_of_a_tick();
    const auto in_time = [=](std::uint64_t count) { return static_cast<double>(count) * tick; };
    const auto microsecond = static_cast<std::uint64_t>(1000 / tick);
    std::printf("%zu calls each, nanoseconds, reading the clock included\n",
                rounds * blocks_of_round);
    std::printf("%-14s %9s %9s %9s %9s %9s %11s\n", "", "median", "99.9 %", "99.99 %", "99.999 %",
                "longest", "over 1 us");
    std::size_t index = 0;
    const auto print = [&](const char *name) {
        const distribution &each = times[index++];
        std::printf("%-14s %9.0f %9.0f %9.0f %9.0f %9.0f %11llu\n", name,
                    in_time(each.of_share(0.5)), in_time(each.of_share(0.999)),
                    in_time(each.of_share(0.9999)), in_time(each.of_share(0.99999)),
                    in_time(each.longest()),
                    static_cast<unsigned long long>(each.longer_than(microsecond)));
    };
    (print(takers::name), ...);
}

} // namespace

int main() {
    measure(nothing{}, push{}, heap{});
    return 0;
}
