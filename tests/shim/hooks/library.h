// Functions that the tests' hook object hooks, in a library of their own.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void callback(void *argument);

// Each calls the callback.
void counted_call(callback *called, void *argument);
void trusted_call(callback *called, void *argument);
void paused_call(callback *called, void *argument);

// They return 1 more each time.
int turn(void);
int trusted_turn(void);

double sum_of_numbers(int count, ...); // of doubles
double sum_of_many(int a, double b, int c, double d, long e, double f, char g, double h, short i,
                   double j, long k, double l, long m, double n, long o, double p, long q, double r,
                   double s, long t);

struct large {
    long words[40];
};
long sum_of_large(int first, struct large by_value, double between, struct large another);

// Stands on the stack at a multiple of 64.
struct round {
#ifdef __cplusplus
    alignas(64) double numbers[8];
#else
    _Alignas(64) double numbers[8];
#endif
};
double sum_of_round(int first, struct round by_value, long second, struct round another);

struct words {
    long first, second;
};
struct doubles {
    double first, second;
};
struct mixed {
    long word;
    double number;
};
struct words pair_of_words(long first);
struct doubles pair_of_doubles(double first);
struct mixed word_and_double(long word);
struct large large_result(long first);
long double half_of_long_double(long double whole);
#ifdef __cplusplus
__complex__ long double complex_result(long double real);
#else
_Complex long double complex_result(long double real);
#endif

// Two numbers in one register.
typedef double pair __attribute__((vector_size(16)));
struct four_pairs {
    pair first, second, third, fourth;
};
// The sums of the first and the fifth, and so on.
struct four_pairs pairs_of_doubles(pair a, pair b, pair c, pair d, pair e, pair f, pair g, pair h);

// Allocates on the way, then sets errno.
void set_errno(int value);

// Calls itself through its symbol as often as asked, with a block of its own each time, and returns
// how many blocks were whole at the end.
long recurse(long times);

// Goes on to counted_call by a jump.
void jump_on(callback *called, void *argument);

// malloc, for whoever keeps it.
void *keep_block(size_t size);
void *other_block(size_t size);

long chosen_at_load(void);

// Hooked as one of another library, which does not define it.
long elsewhere(void);

// 1 in its old version, 2 in the default one.
long numbered(void);

#ifdef __cplusplus
}
#endif
