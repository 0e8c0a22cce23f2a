// The same of vectors that only some processors have.
#include <gtest/gtest.h>
#include <immintrin.h>

#include "scenario.hpp"

namespace {

// The first call goes the slow way, the others the quick one.
constexpr int some_times = 5;

void expect_hooked(const outcome &result) {
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_GE(result.count("regions_entered"), unsigned{some_times});
}

extern "C" [[gnu::target("avx")]] __m256d add_256(__m256d a, __m256d b);
extern "C" [[gnu::target("avx512f")]] __m512d add_512(__m512d a, __m512d b);

[[gnu::target("avx")]] int check_256() {
    for (int i = 0; i < some_times; ++i) {
        const __m256d sum = add_256(_mm256_set_pd(1, 2, 3, i), _mm256_set_pd(10, 20, 30, 40));
        double parts[4];
        _mm256_storeu_pd(parts, sum);
        REQUIRE(parts[0] == 40 + i && parts[1] == 33 && parts[2] == 22 && parts[3] == 11);
    }
    return 0;
}
[[gnu::target("avx512f")]] int check_512() {
    for (int i = 0; i < some_times; ++i) {
        const __m512d sum = add_512(_mm512_set_pd(1, 2, 3, 4, 5, 6, 7, i), _mm512_set1_pd(100));
        double parts[8];
        _mm512_storeu_pd(parts, sum);
        REQUIRE(parts[0] == 100 + i && parts[1] == 107 && parts[6] == 102 && parts[7] == 101);
    }
    return 0;
}
SCENARIO(vectors_256) { return check_256(); }
SCENARIO(vectors_512) { return check_512(); }
TEST(hooked_call, keeps_all_of_256_bits) {
    if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "LOUDLY SKIPPED: no AVX here";
    expect_hooked(run(vectors_256));
}
TEST(hooked_call, keeps_all_of_512_bits) {
    if (!__builtin_cpu_supports("avx512f")) GTEST_SKIP() << "LOUDLY SKIPPED: no AVX-512 here";
    expect_hooked(run(vectors_512));
}

} // namespace
