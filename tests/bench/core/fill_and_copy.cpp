// scratch_fill and scratch_copy beside memset and memcpy, from 16 bytes to 256 MiB; sizes that the
// compiler knows first. The table's ratios are to libc of the same run; it is what set the
// constants in core/fill.cpp and core/include/scratch/inline.h.
#include "ratio_table.hpp"

#include <scratch/scratch.h>

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <utility>

#include <sys/mman.h>

namespace {

constexpr std::size_t kibibyte = 1024;
constexpr std::size_t mebibyte = 1024 * kibibyte;
constexpr std::size_t largest = 256 * mebibyte;

const char *const measure = "libc";

/// Memory that is there when the first loop begins.
char *block(int number) {
    static char *const both = [] {
        void *const memory = mmap(nullptr, 2 * largest, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        return memory == MAP_FAILED ? nullptr : static_cast<char *>(memory);
    }();
    return both + static_cast<std::size_t>(number) * largest;
}

struct of_libc {
    static constexpr const char *name = "libc";
    static void fill(void *target, std::size_t size) { std::memset(target, 7, size); }
    static void copy(void *target, const void *source, std::size_t size) {
        std::memcpy(target, source, size);
    }
};

struct of_scratch {
    static constexpr const char *name = "scratch";
    static void fill(void *target, std::size_t size) { scratch_fill(target, 7, size); }
    static void copy(void *target, const void *source, std::size_t size) {
        scratch_copy(target, source, size);
    }
};

void written(void *target) { __asm__ volatile("" : : "r"(target) : "memory"); }

std::size_t hidden(std::size_t size) {
    __asm__("" : "+r"(size));
    return size;
}

template <typename maker_t>
void fill(benchmark::State &state, std::size_t size) {
    for (auto _ : state) {
        maker_t::fill(block(0), size);
        written(block(0));
    }
}

template <typename maker_t>
void copy(benchmark::State &state, std::size_t size) {
    for (auto _ : state) {
        maker_t::copy(block(0), block(1), size);
        written(block(0));
    }
}

/// The call that a size gets which the compiler does not know, beside what is inlined.
struct called : of_libc {
    static void fill(void *target, std::size_t size) { std::memset(target, 7, hidden(size)); }
    static void copy(void *target, const void *source, std::size_t size) {
        std::memcpy(target, source, hidden(size));
    }
};

template <typename maker_t, std::size_t size>
void fill_known(benchmark::State &state) {
    for (auto _ : state) {
        maker_t::fill(block(0), size);
        written(block(0));
    }
}

template <typename maker_t, std::size_t size>
void copy_known(benchmark::State &state) {
    for (auto _ : state) {
        maker_t::copy(block(0), block(1), size);
        written(block(0));
    }
}

std::string readable(std::size_t size) {
    if (size >= mebibyte) return std::to_string(size / mebibyte) + "M";
    return std::to_string(size);
}

std::string title(const char *what, std::size_t size, const char *column) {
    return what + std::string("/") + readable(size) + "/" + column;
}

template <typename maker_t>
void add(std::size_t size) {
    const auto add_one = [=](const char *what, auto function) {
        benchmark::RegisterBenchmark(
            title(what, size, maker_t::name).c_str(),
            [=](benchmark::State &state) { function(state, hidden(size)); });
    };
    add_one("fill", fill<maker_t>);
    add_one("copy", copy<maker_t>);
}

template <std::size_t... sizes>
void add_known(std::index_sequence<sizes...>) {
    const auto add_one = [](const char *what, std::size_t size, const char *name, auto function) {
        benchmark::RegisterBenchmark(title(what, size, name).c_str(), function);
    };
    (add_one("fill known", sizes, of_libc::name, fill_known<called, sizes>), ...);
    (add_one("fill known", sizes, of_scratch::name, fill_known<of_scratch, sizes>), ...);
    (add_one("copy known", sizes, of_libc::name, copy_known<called, sizes>), ...);
    (add_one("copy known", sizes, of_scratch::name, copy_known<of_scratch, sizes>), ...);
}

} // namespace

int main(int count, char **arguments) {
    if (block(0) == nullptr) return 1;
    add_known(std::index_sequence<16, 64, 128, 256, 512, 2048>{});
    for (const std::size_t size : {std::size_t{16},       std::size_t{64},
                                   std::size_t{256},      kibibyte,
                                   2 * kibibyte,          2 * kibibyte + 100,
                                   2500 * std::size_t{1}, 3 * kibibyte,
                                   4 * kibibyte - 100,    4 * kibibyte,
                                   5 * kibibyte,          8 * kibibyte,
                                   16 * kibibyte,         64 * kibibyte,
                                   256 * kibibyte,        mebibyte,
                                   4 * mebibyte,          16 * mebibyte,
                                   32 * mebibyte,         64 * mebibyte,
                                   128 * mebibyte,        largest}) {
        add<of_libc>(size);
        add<of_scratch>(size);
    }
    return run_with_ratios(count, arguments, measure);
}
