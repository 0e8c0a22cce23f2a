#include "library.h"

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

// So that each hooked function allocates.
void use_a_block() {
    void *block = std::malloc(100);
    std::memset(block, 0x5a, 100);
    __asm__ volatile("" : : "r"(block) : "memory");
    std::free(block);
}

// The end of a region in which a block stays alive has to look for it.
void use_a_block_and_keep_another() {
    static void *kept;
    std::free(kept);
    kept = std::malloc(200);
    use_a_block();
}

int turns = 0;
int trusted_turns = 0;

} // namespace

void counted_call(callback *called, void *argument) {
    called(argument);
    use_a_block();
}
void trusted_call(callback *called, void *argument) {
    called(argument);
    use_a_block();
}
void paused_call(callback *called, void *argument) {
    called(argument);
    use_a_block();
}
int turn() { return ++turns; }
int trusted_turn() { return ++trusted_turns; }

double sum_of_numbers(int count, ...) {
    use_a_block_and_keep_another();
    va_list list;
    va_start(list, count);
    double sum = 0;
    for (int i = 0; i < count; ++i)
        sum += va_arg(list, double);
    va_end(list);
    return sum;
}

double sum_of_many(int a, double b, int c, double d, long e, double f, char g, double h, short i,
                   double j, long k, double l, long m, double n, long o, double p, long q, double r,
                   double s, long t) {
    use_a_block();
    return a + 2 * b + 3 * c + 4 * d + 5. * static_cast<double>(e) + 6 * f + 7 * g + 8 * h + 9 * i +
           10 * j + 11. * static_cast<double>(k) + 12 * l + 13. * static_cast<double>(m) + 14 * n +
           15. * static_cast<double>(o) + 16 * p + 17. * static_cast<double>(q) + 18 * r + 19 * s +
           20. * static_cast<double>(t);
}

long sum_of_large(int first, large by_value, double between, large another) {
    use_a_block();
    long sum = first + static_cast<long>(between);
    for (long word : by_value.words)
        sum += word;
    for (long word : another.words)
        sum += 3 * word;
    return sum;
}

double sum_of_round(int first, struct round by_value, long second, struct round another) {
    use_a_block_and_keep_another();
    for (const void *argument : {&by_value, &another})
        if (reinterpret_cast<std::uintptr_t>(argument) % 64 != 0) return -1;
    double sum = first + static_cast<double>(second);
    for (int i = 0; i < 8; ++i)
        sum += by_value.numbers[i] + 2 * another.numbers[i];
    return sum;
}

words pair_of_words(long first) {
    use_a_block_and_keep_another();
    return {first, first + 1};
}
doubles pair_of_doubles(double first) {
    use_a_block_and_keep_another();
    return {first, first + 1};
}
mixed word_and_double(long word) {
    use_a_block_and_keep_another();
    return {word, static_cast<double>(word) + 0.5};
}
large large_result(long first) {
    use_a_block_and_keep_another();
    large result;
    for (long &word : result.words)
        word = first++;
    return result;
}
long double half_of_long_double(long double whole) {
    use_a_block_and_keep_another();
    return whole / 2;
}
__complex__ long double complex_result(long double real) {
    use_a_block_and_keep_another();
    __complex__ long double result;
    __real__ result = real;
    __imag__ result = real * 3;
    return result;
}

struct four_pairs pairs_of_doubles(pair a, pair b, pair c, pair d, pair e, pair f, pair g, pair h) {
    use_a_block_and_keep_another();
    return {a + e, b + f, c + g, d + h};
}

void set_errno(int value) {
    use_a_block();
    errno = value;
}

long recurse(long times) {
    auto *block = static_cast<long *>(std::malloc(64 * sizeof(long)));
    for (long i = 0; i < 64; ++i)
        block[i] = times;
    long (*volatile by_symbol)(long) = recurse; // else the compiler calls the body
    const long inner = times > 1 ? by_symbol(times - 1) : 0;
    for (long i = 0; i < 64; ++i)
        if (block[i] != times) return -1;
    return inner < 0 ? inner : inner + 1;
}

void jump_on(callback *called, void *argument) { return counted_call(called, argument); }

void *keep_block(size_t size) {
    void *volatile block = std::malloc(size); // no jump to malloc, whose caller were another then
    return block;
}
void *other_block(size_t size) {
    void *volatile block = std::malloc(size);
    return block;
}

static long chosen() { return 4711; }
extern "C" {
long (*choose_at_load())() { return chosen; }
}
long chosen_at_load() __attribute__((ifunc("choose_at_load")));

long elsewhere() { return 815; }

extern "C" {
long old_numbered() { return 1; }
long new_numbered() { return 2; }
}
__asm__(".symver old_numbered, numbered@NUMBERED_1");
__asm__(".symver new_numbered, numbered@@NUMBERED_2");
