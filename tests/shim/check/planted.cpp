// Ten mistakes with memory, and programs without any: started by the tests and by the table of what
// which checker finds. The mistake is the argument. Without any checker each of them goes
// unnoticed, or is made to: what they print tells that the program went on.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <scratch/annotate.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

namespace {

// Not the compiler's to see through.
template <typename T>
T hidden(T value) {
    __asm__ volatile("" : "+r"(value)::"memory");
    return value;
}

char *kept;
const unsigned trusted = SCRATCH_TRUSTED;

NOINLINE char *make_block(std::size_t size) {
    auto *block = static_cast<char *>(hidden(malloc(size)));
    std::memset(block, 'a', size);
    return block;
}
NOINLINE void give_back(void *block) { free(hidden(block)); }
NOINLINE void write_to(char *block, std::size_t at) { *hidden(block + at) = 'x'; }
NOINLINE char read_from(const char *block, std::size_t at) { return *hidden(block + at); }

// A request that keeps its answer for longer than it may.
NOINLINE void handle_request() {
    SCRATCH_REGION("request", trusted);
    kept = make_block(100);
#ifdef PLANTED_SCOPE_FREES
    // For checkers that know no scopes.
    give_back(kept);
#endif
}

int read_after_scope() {
    handle_request();
    return read_from(kept, 16);
}
int write_after_scope() {
    handle_request();
    write_to(kept, 16);
    return 0;
}
int read_after_free() {
    kept = make_block(48);
    give_back(kept);
    return read_from(kept, 8);
}
int write_after_free() {
    kept = make_block(48);
    give_back(kept);
    write_to(kept, 8);
    return 0;
}
int double_free() {
    kept = make_block(48);
    give_back(kept);
    // So that libc's own look at its newest blocks does not find it.
    char *between[20];
    for (char *&one : between)
        one = make_block(48);
    for (char *one : between)
        give_back(one);
    give_back(kept);
    return 0;
}
int overflow_small() {
    char *block = make_block(40);
    write_to(block, 40);
    give_back(block);
    return 0;
}
int overflow_large() {
    char *block = make_block(200000);
    write_to(block, 200000);
    give_back(block);
    return 0;
}
int interior_free() {
    give_back(make_block(160) + 32);
    return 0;
}
int mismatched_free() {
    give_back(hidden(new char[64]));
    return 0;
}
int system_call_after_scope() {
    handle_request();
    const int file = open("/dev/zero", O_RDONLY);
    const ssize_t size = read(file, hidden(kept), 100);
    std::printf("read %zd\n", size);
    return 0;
}

// --- without mistakes ----------------------------------------------------------------------------

int clean() {
    for (int round = 0; round < 100; ++round) {
        SCRATCH_REGION("round", trusted);
        char *first = make_block(100);
        char *second = make_block(40000);
        std::printf("%d: %c%c\n", round, first[99], second[39999]);
        give_back(first);
        give_back(second);
    }
    auto *numbers = hidden(new int[10]{});
    delete[] numbers;
    auto *text = static_cast<char *>(realloc(strdup("some text"), 20));
    std::strcat(text, " more text"); // 20 bytes with its end
    std::puts(text);
    free(text);
    return 7;
}

// Much of what programs do: blocks of many sizes that live for a while.
int work() {
    constexpr std::size_t slots = 2000;
    static char *blocks[slots];
    unsigned state = 1;
    unsigned sum = 0;
    for (int round = 0; round < 400000; ++round) {
        state = state * 1664525 + 1013904223;
        char *&block = blocks[(state >> 8) % slots];
        if (block != nullptr) {
            sum += static_cast<unsigned char>(block[0]);
            free(block);
        }
        const std::size_t size = 16 + (state >> 20) % 500;
        block = static_cast<char *>(malloc(size));
        std::memset(block, static_cast<int>(round & 0x7f), size);
        if (round % 100 == 0) {
            SCRATCH_REGION("part", trusted);
            for (int i = 0; i < 20; ++i) {
                char *part = make_block(200);
                sum += static_cast<unsigned char>(read_from(part, 7));
#ifdef PLANTED_SCOPE_FREES
                give_back(part);
#endif
            }
        }
    }
    for (char *block : blocks)
        free(block);
    std::printf("%u\n", sum);
    return 0;
}

struct entry {
    const char *name;
    int (*body)();
};
constexpr entry entries[] = {
    {"read_after_scope", read_after_scope},
    {"write_after_scope", write_after_scope},
    {"read_after_free", read_after_free},
    {"write_after_free", write_after_free},
    {"double_free", double_free},
    {"overflow_small", overflow_small},
    {"overflow_large", overflow_large},
    {"interior_free", interior_free},
    {"mismatched_free", mismatched_free},
    {"system_call_after_scope", system_call_after_scope},
    {"clean", clean},
    {"work", work},
};

} // namespace

int main(int count, char **arguments) {
    for (const entry &one : entries) {
        if (count != 2 || std::strcmp(arguments[1], one.name) != 0) continue;
        const int status = one.body();
        std::puts("went on");
        return status;
    }
    return 125;
}
