// Programs that are hard on a checker: handlers of their own, small stacks, threads, children, many
// scopes. Each prints what it saw, which must be the same with and without being checked where the
// program makes no mistake.

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <scratch/annotate.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "hostile.hpp"

namespace {

std::size_t count_mappings() {
    FILE *maps = std::fopen("/proc/self/maps", "r");
    std::size_t lines = 0;
    for (int sign; (sign = std::getc(maps)) != EOF;)
        lines += sign == '\n';
    std::fclose(maps);
    return lines;
}

// --- many ----------------------------------------------------------------------------------------

int many_scopes() {
    for (int i = 0; i < 100000; ++i) {
        SCRATCH_REGION("one of many", SCRATCH_TRUSTED);
        make_block(40);
        free(make_block(3000));
        if (i % 100 == 0) make_block(100000);
    }
    rusage used;
    getrusage(RUSAGE_SELF, &used);
    std::printf("%zu %ld\n", count_mappings(), used.ru_maxrss);
    return 0;
}
int every_second_freed() {
    constexpr std::size_t count = 60000;
    std::vector<char *> blocks(count);
    for (char *&block : blocks)
        block = make_block(5000);
    for (std::size_t i = 0; i < count; i += 2)
        free(blocks[i]);
    for (std::size_t i = 1; i < count; i += 2)
        if (blocks[i][4999] != 'a') return 1;
    std::printf("%zu\n", count_mappings());
    return 0;
}
int long_scope() {
    SCRATCH_REGION("long", SCRATCH_TRUSTED);
    for (int i = 0; i < 300000; ++i)
        free(make_block(static_cast<std::size_t>(i % 1000)));
    rusage used;
    getrusage(RUSAGE_SELF, &used);
    std::printf("%zu %ld\n", count_mappings(), used.ru_maxrss);
    return 0;
}

int repeated_use() {
    for (int i = 0; i < 5; ++i) {
        keep_beyond_scope(100);
        use_kept();
    }
    return 0;
}
int addresses_differ() {
    constexpr std::size_t count = 2000;
    static std::array<char *, 2 * count> seen;
    for (std::size_t i = 0; i < count; ++i) {
        keep_beyond_scope(i);
        seen[2 * i] = kept;
        seen[2 * i + 1] = make_block(i);
        free(seen[2 * i + 1]);
    }
    std::sort(seen.begin(), seen.end());
    std::printf("%d\n", std::adjacent_find(seen.begin(), seen.end()) == seen.end());
    return 0;
}

// --- threads and children ------------------------------------------------------------------------

int use_in_thread() {
    std::thread([] {
        keep_beyond_scope(100);
        use_kept();
    }).join();
    return 0;
}
int use_then_exec() {
    keep_beyond_scope(100);
    use_kept();
    execl("/proc/self/exe", "again", "use_in_thread", nullptr);
    return 1;
}
int use_in_child() {
    keep_beyond_scope(100);
    const pid_t child = fork();
    if (child == 0) {
        use_kept();
        std::exit(6);
    }
    int status = 0;
    waitpid(child, &status, 0);
    std::printf("child ended with %d\n", WEXITSTATUS(status));
    // Only the child's page was opened.
    use_kept();
    return 0;
}
int leaves_early() {
    keep_beyond_scope(100);
    use_kept();
    std::puts("leaves");
    std::fflush(stdout);
    _exit(5);
}

// --- ends that are not certain -------------------------------------------------------------------

jmp_buf out;
NOINLINE void jump_out_of_scope() {
    SCRATCH_REGION("left by a jump", SCRATCH_TRUSTED);
    kept = make_block(100);
    longjmp(out, 1);
}
int uncertain_ends() {
    if (setjmp(out) == 0) jump_out_of_scope();
    use_kept();
    try {
        SCRATCH_REGION("left by an exception", SCRATCH_TRUSTED);
        kept = make_block(100);
        throw std::bad_alloc();
    } catch (const std::bad_alloc &) {
        use_kept();
    }
    std::puts("not told");
    return 0;
}

// --- frees ---------------------------------------------------------------------------------------

char global[64];
struct large {
    char bytes[64];
};
struct alignas(128) aligned {
    char bytes[128];
};

int frees_of_no_block() {
    char local[64];
    free(hidden(static_cast<char *>(local)));
    free(hidden(static_cast<char *>(global)));
    std::puts("both told");
    return 0;
}
int deletes_that_do_not_fit() {
    operator delete (hidden(operator new(64)), std::size_t{32});
    delete[] hidden(new large);
    delete hidden(static_cast<char *>(malloc(8)));
    std::puts("all told");
    return 0;
}
int realloc_after_free() {
    char *block = make_block(40);
    free(hidden(block));
    kept = static_cast<char *>(realloc(hidden(block), 80));
    std::memset(kept, 1, 80);
    free(kept);
    return 0;
}
int realloc_to_nothing() {
    char *left = static_cast<char *>(realloc(hidden(make_block(40)), 0));
    std::puts(left != nullptr ? "a block" : "null");
    free(left);
    return 0;
}
int write_before_block() {
    char *block = make_block(64);
    *hidden(block - 5) = 'x';
    free(block);
    return 0;
}
int late_writes() {
    // Far beyond the sample that gets pages of its own.
    std::vector<char *> blocks(1000);
    for (char *&block : blocks)
        block = make_block(64);
    free(hidden(blocks[901]));
    *hidden(blocks[901] + 3) = 'x';
    *hidden(blocks[903] + 64) = 'x';
    return 0;
}
int late_write_before_page_closes() {
    std::vector<char *> blocks(1000);
    for (char *&block : blocks)
        block = make_block(64);
    free(hidden(blocks[901]));
    *hidden(blocks[901] + 3) = 'x';
    for (char *block : blocks)
        if (block != blocks[901]) give_back(block);
    return 0;
}
int everything_in_order() {
    delete hidden(new aligned);
    delete[] hidden(new aligned[3]);
    delete hidden(new (std::nothrow) large);
    free(hidden(aligned_alloc(4096, 8192)));
    void *taken = nullptr;
    if (posix_memalign(&taken, 1 << 16, 100) != 0) return 1;
    std::printf("%d\n", reinterpret_cast<std::uintptr_t>(taken) % (1 << 16) == 0);
    free(taken);
    auto *text = static_cast<char *>(calloc(1000, 3));
    for (int i = 0; i < 3000; ++i)
        if (text[i] != 0) return 2;
    free(realloc(text, 200000));
    SCRATCH_REGION("outer", SCRATCH_TRUSTED);
    char *outer = make_block(10);
    for (int i = 0; i < 10; ++i) {
        SCRATCH_REGION("inner", i % 2 == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
        free(make_block(20));
        std::printf("%c", outer[i]);
    }
    free(outer);
    return 0;
}
int leaks() {
    for (int i = 0; i < 10; ++i)
        make_block(30);
    keep_beyond_scope(70);
    return 0;
}
// libc makes a buffer for its output, and keeps it.
int leaks_one_and_prints() {
    std::puts("printed");
    *make_block(1) = 'a';
    return 0;
}
int overflows_by_one() {
    char *block = make_block(1);
    *hidden(block + 2) = 'x';
    give_back(block);
    return 0;
}

struct entry {
    const char *name;
    int (*body)();
};
#define SCRATCH_ENTRY(name)                                                                        \
    { #name, name }
constexpr entry entries[] = {
    SCRATCH_ENTRY(own_fault_handlers),
    SCRATCH_ENTRY(dies_of_fault),
    SCRATCH_ENTRY(dies_of_sent_fault),
    SCRATCH_ENTRY(dies_of_deep_recursion),
    SCRATCH_ENTRY(dies_of_fault_while_blocked),
    SCRATCH_ENTRY(ignored_since_start),
    SCRATCH_ENTRY(vfork_child_sets_default),
    SCRATCH_ENTRY(ignored_in_the_next_program),
    SCRATCH_ENTRY(is_fault_ignored),
    SCRATCH_ENTRY(use_with_all_blocked),
    SCRATCH_ENTRY(use_in_handler_that_blocks_all),
    SCRATCH_ENTRY(use_on_small_stack),
    SCRATCH_ENTRY(many_scopes),
    SCRATCH_ENTRY(every_second_freed),
    SCRATCH_ENTRY(long_scope),
    SCRATCH_ENTRY(repeated_use),
    SCRATCH_ENTRY(addresses_differ),
    SCRATCH_ENTRY(use_in_thread),
    SCRATCH_ENTRY(use_then_exec),
    SCRATCH_ENTRY(use_in_child),
    SCRATCH_ENTRY(leaves_early),
    SCRATCH_ENTRY(uncertain_ends),
    SCRATCH_ENTRY(frees_of_no_block),
    SCRATCH_ENTRY(deletes_that_do_not_fit),
    SCRATCH_ENTRY(realloc_after_free),
    SCRATCH_ENTRY(realloc_to_nothing),
    SCRATCH_ENTRY(write_before_block),
    SCRATCH_ENTRY(late_writes),
    SCRATCH_ENTRY(late_write_before_page_closes),
    SCRATCH_ENTRY(everything_in_order),
    SCRATCH_ENTRY(leaks),
    SCRATCH_ENTRY(leaks_one_and_prints),
    SCRATCH_ENTRY(overflows_by_one),
};

} // namespace

int main(int count, char **arguments) {
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (const entry &one : entries)
        if (count == 2 && std::strcmp(arguments[1], one.name) == 0) return one.body();
    return 125;
}
