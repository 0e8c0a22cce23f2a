// libFuzzer: the address arithmetic, with assertions on overlap, alignment, bounds and monotone
// tops.
#include "core/bump.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

void expect(bool holds) {
    if (!holds) std::abort();
}

/// Whether the block fits, in arithmetic that is wide enough not to wrap.
bool fits_in_wide_numbers(const scratch::bump::request &wanted, unsigned __int128 &start) {
    const unsigned __int128 step = wanted.alignment < 16 ? 16 : wanted.alignment;
    start = (static_cast<unsigned __int128>(wanted.top) + step - 1) / step * step;
    const unsigned __int128 taken =
        wanted.size == 0 ? 16 : (static_cast<unsigned __int128>(wanted.size) + 15) / 16 * 16;
    return start + taken + wanted.redzone <= wanted.end;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *bytes, std::size_t size) {
    std::uint64_t numbers[4];
    if (size < sizeof numbers + 2) return 0;
    std::memcpy(numbers, bytes, sizeof numbers);
    // Any two multiples of the granule in order, any size, any power of two.
    std::uint64_t top = numbers[0] & ~std::uint64_t{15};
    std::uint64_t end = numbers[1] & ~std::uint64_t{15};
    if (top > end) {
        const std::uint64_t lower = end;
        end = top;
        top = lower;
    }
    const std::uint8_t choice = bytes[sizeof numbers];
    scratch::bump::request wanted{top, end, numbers[2], std::size_t{1} << (choice & 63),
                                  choice & 64 ? 16U : 0U};
    // Often a size that is near the room, where mistakes are.
    if (choice & 128) wanted.size = end - top - bytes[sizeof numbers + 1];

    std::uint64_t last_end = top;
    for (std::size_t turn = 0; turn < 4; ++turn) {
        const scratch::bump::placement got = scratch::bump::place(wanted);
        unsigned __int128 start = 0;
        expect(got.fits == fits_in_wide_numbers(wanted, start));
        if (!got.fits) break;
        expect(got.start == start);
        expect(got.start >= last_end);             // no overlap with the block before
        expect(got.start % wanted.alignment == 0); // aligned
        expect(got.start % scratch::bump::granule == 0);
        expect(got.top <= end);       // in bounds
        expect(got.top > wanted.top); // tops, and so marks, are monotone
        expect(got.top - got.start >= wanted.size + wanted.redzone);
        expect(got.top % scratch::bump::granule == 0);
        expect(got.top == scratch::bump::block_end(got.start, wanted.size, wanted.redzone, end));
        last_end = got.start + wanted.size;
        wanted.top = got.top;
        wanted.size = wanted.size / 2 + turn;
    }
    return 0;
}
