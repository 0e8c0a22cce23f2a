// Hooked functions with vectors that only some processors have.
#include <cstdlib>
#include <immintrin.h>

namespace {

// So that the end of the region has to look for a block.
void keep_a_block() {
    static void *kept;
    std::free(kept);
    kept = std::malloc(200);
}

} // namespace

extern "C" [[gnu::target("avx")]] __m256d add_256(__m256d a, __m256d b) {
    keep_a_block();
    return _mm256_add_pd(a, b);
}
extern "C" [[gnu::target("avx512f")]] __m512d add_512(__m512d a, __m512d b) {
    keep_a_block();
    return _mm512_add_pd(a, b);
}
