// A library with operators of its own: what its new gave, its delete gets.
#include <cstddef>
#include <cstdlib>
#include <new>

extern "C" [[gnu::visibility("default")]] int plugin_work(int rounds) {
    for (int i = 0; i < rounds; ++i) {
        struct thing {
            int numbers[20];
        };
        auto *made = new thing;
        __asm__ volatile("" : "+r"(made));
        made->numbers[19] = i;
        delete made;
    }
    return rounds;
}

// Built twice: of one size, callers at the same places, operators at others.
#define SKIP __asm__(".text\n\t.skip 8192, 0xcc")
#ifdef OPERATORS_FURTHER
SKIP;
#endif

namespace {
constexpr unsigned long mark = 0x5a5a1234;
}

void *operator new(std::size_t size) {
    auto *block = static_cast<unsigned long *>(std::malloc(size + 16));
    block[0] = mark;
    return block + 2;
}
void operator delete(void *payload) noexcept {
    if (payload == nullptr) return;
    unsigned long *block = static_cast<unsigned long *>(payload) - 2;
    if (block[0] != mark) std::abort();
    block[0] = 0;
    std::free(block);
}
void operator delete(void *payload, std::size_t) noexcept { operator delete(payload); }

#ifndef OPERATORS_FURTHER
SKIP;
#endif
