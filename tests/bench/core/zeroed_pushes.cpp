// Blocks of zeros, beside calloc+free in the same run:
//   fresh        memory that comes from the system in the same loop, and is not looked at
//   fresh, used  the same, and a byte of each page is written
//   reused       memory that held something else before
// "cleared" is a push and a memset of all of it: what it costs not to know what is zero already.
#include "ratio_table.hpp"

#include <scratch/scratch.h>

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include <malloc.h>

namespace {

constexpr int kibibyte = 1024;
constexpr int largest = 16 * kibibyte * kibibyte;
constexpr std::size_t page = 4096;

void keep(void *block) { __asm__ volatile("" : : "r"(block) : "memory"); }

void use(void *block, std::size_t size, bool used) {
    for (std::size_t at = 0; used && at < size; at += page)
        static_cast<char *>(block)[at] = 1;
    keep(block);
}

/// For the whole process: glibc's blocks are the system's each time, or stay in its heap.
void let_libc_keep(bool kept) {
    mallopt(M_MMAP_THRESHOLD, kept ? 2 * largest : 32 * kibibyte);
    mallopt(M_TRIM_THRESHOLD, kept ? 4 * largest : 0);
    malloc_trim(0);
}

struct of_calloc {
    static constexpr const char *name = "calloc+free";
    static void fresh(std::size_t size, bool used) {
        void *const block = std::calloc(1, size);
        use(block, size, used);
        std::free(block);
    }
    void reused(std::size_t size) { fresh(size, false); }
};

void *push_zero(scratch_stack *stack, std::size_t size) {
    return scratch_push_zero(stack, size, 16);
}

void *push_cleared(scratch_stack *stack, std::size_t size) {
    return std::memset(scratch_push(stack, size, 16), 0, size);
}

template <void *push(scratch_stack *, std::size_t)>
class of_scratch {
public:
    static constexpr const char *name = push == push_zero ? "scratch" : "cleared";
    static void fresh(std::size_t size, bool used) {
        const scratch_options options{
            .name = "fresh", .reserve = size + page, .keep = 0, .flags = 0};
        scratch_stack *const stack = scratch_stack_create(&options);
        use(push(stack, size), size, used);
        scratch_stack_destroy(stack);
    }
    of_scratch() {
        std::memset(scratch_push(stack_, largest + page, 16), 1, largest + page);
        scratch_restore(stack_, 0);
    }
    of_scratch(const of_scratch &) = delete;
    of_scratch &operator=(const of_scratch &) = delete;
    ~of_scratch() { scratch_stack_destroy(stack_); }
    void reused(std::size_t size) {
        void *const block = push(stack_, size);
        keep(block);
        scratch_pop(stack_, block, size);
    }

private:
    scratch_stack *stack_ = scratch_stack_create(nullptr);
};

std::string title(const char *what, int size, const char *column) {
    return what + std::string("/") + std::to_string(size / kibibyte) + "K/" + column;
}

template <typename maker_t>
void add() {
    for (const int size : {kibibyte, 64 * kibibyte, 1024 * kibibyte, largest}) {
        const auto bytes = static_cast<std::size_t>(size);
        benchmark::RegisterBenchmark(title("reused", size, maker_t::name).c_str(),
                                     [=](benchmark::State &state) {
                                         let_libc_keep(true);
                                         maker_t maker;
                                         for (auto _ : state)
                                             maker.reused(bytes);
                                     });
        if (size < 64 * kibibyte) continue;
        for (const bool used : {false, true}) {
            benchmark::RegisterBenchmark(
                title(used ? "fresh, used" : "fresh", size, maker_t::name).c_str(),
                [=](benchmark::State &state) {
                    let_libc_keep(false);
                    for (auto _ : state)
                        maker_t::fresh(bytes, used);
                });
        }
    }
}

} // namespace

int main(int count, char **arguments) {
    add<of_calloc>();
    add<of_scratch<push_zero>>();
    add<of_scratch<push_cleared>>();
    return run_with_ratios(count, arguments, of_calloc::name);
}
