// How long a push takes, beside malloc+free and other arenas, in one run on the same loops:
//   (a) 64 blocks and one reset      (b) a block taken and given back      (c) 8 nested scopes of 4
//   blocks
// Each block's first word is written. The table at the end has the ratios to malloc+free of the
// same run.
#include "arenas.hpp"
#include "ratio_table.hpp"

#include <alloca.h>
#include <benchmark/benchmark.h>

#include <string>
#include <type_traits>
#include <utility>

namespace {

using arenas::most_blocks;

template <typename block_t>
void touch(block_t *block) {
    *static_cast<long *>(block) = 1;
    // benchmark::DoNotOptimize would write the pointer to memory too, and read it again.
    __asm__ volatile("" : : "r"(block) : "memory");
}

template <typename arena_t, std::size_t size>
void many_and_reset(benchmark::State &state) {
    arena_t arena;
    for (auto _ : state) {
        const auto mark = arena.mark();
        for (std::size_t index = 0; index < most_blocks; ++index)
            touch(arena.template take<size>());
        arena.reset(mark);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<long>(most_blocks));
}

template <typename arena_t, std::size_t size>
void take_and_give(benchmark::State &state) {
    arena_t arena;
    for (auto _ : state) {
        void *const block = arena.template take<size>();
        touch(block);
        arena.give(block, size);
    }
    state.SetItemsProcessed(state.iterations());
}

template <typename arena_t, std::size_t size, int depth>
void nest(arena_t &arena) {
    if constexpr (depth > 0) {
        const auto mark = arena.mark();
        for (int index = 0; index < 4; ++index)
            touch(arena.template take<size>());
        nest<arena_t, size, depth - 1>(arena);
        arena.reset(mark);
    }
}

template <typename arena_t, std::size_t size>
void nested(benchmark::State &state) {
    arena_t arena;
    for (auto _ : state)
        nest<arena_t, size, 8>(arena);
    state.SetItemsProcessed(state.iterations() * 32);
}

/// The machine stack: what nothing can beat.
template <std::size_t size>
[[gnu::noinline]] void allocate_on_machine_stack() {
    for (std::size_t index = 0; index < most_blocks; ++index)
        touch(alloca(size));
}

template <std::size_t size>
void machine_stack(benchmark::State &state) {
    for (auto _ : state)
        allocate_on_machine_stack<size>();
    state.SetItemsProcessed(state.iterations() * static_cast<long>(most_blocks));
}

std::string title(const char *loop, std::size_t size, const char *arena) {
    return std::string(loop) + "/" + std::to_string(size) + "/" + arena;
}

template <typename arena_t, std::size_t size>
void add_loops() {
    benchmark::RegisterBenchmark(title("a", size, arena_t::name).c_str(),
                                 many_and_reset<arena_t, size>);
    if constexpr (requires(arena_t arena) { arena.give(nullptr, 0); }) {
        benchmark::RegisterBenchmark(title("b", size, arena_t::name).c_str(),
                                     take_and_give<arena_t, size>);
        benchmark::RegisterBenchmark(title("c", size, arena_t::name).c_str(),
                                     nested<arena_t, size>);
    }
}

template <typename... all_arenas, std::size_t... all_sizes>
void add_all(std::index_sequence<all_sizes...>) {
    const auto add_size = [](auto size) {
        (add_loops<all_arenas, size>(), ...);
        benchmark::RegisterBenchmark(title("a", size, "alloca").c_str(), machine_stack<size>);
    };
    (add_size(std::integral_constant<std::size_t, all_sizes>{}), ...);
}

} // namespace

int main(int count, char **arguments) {
    add_all<arenas::libc_malloc, arenas::scratch_inlined, arenas::scratch_called,
            arenas::empty_called, arenas::pmr_monotonic, arenas::gnu_obstack
#ifdef HAVE_APR
            ,
            arenas::apr_pool
#endif
#ifdef HAVE_LLVM
            ,
            arenas::llvm_bump
#endif
            >(std::index_sequence<16, 64, 1024, 65536>{});
    return run_with_ratios(count, arguments, arenas::libc_malloc::name);
}
