// Fill and copy: libc's, but for two ranges of sizes in which they can be beaten. The figures are
// ratios to glibc 2.36 on an x86-64 server (Sapphire Rapids), from `meson compile bench-core`
// (tests/bench/core/fill_and_copy.cpp).

#include "core/stack.hpp"

#include <atomic>
#include <cstring>

#ifdef __x86_64__
#include <cpuid.h>
#include <emmintrin.h>
#endif

namespace scratch {
namespace {

// Above this glibc leaves its vector loops for string instructions, which take long to start (18 ns
// instead of 10), where the processor says that it has fast ones: two calls below it are faster
// (0.7 to 0.95). Where glibc has no such step they would cost 1.05 to 1.2.
constexpr std::size_t last_in_one_piece = SCRATCH_LIBC_BYTES_;
constexpr std::size_t last_in_halves = 2 * last_in_one_piece;

// From here on the bytes are in no cache when they are read again, so nothing is gained by reading
// their lines in order to write them (0.5 to 0.65; glibc does so itself from three quarters of the
// last cache on, and only in copies).
constexpr std::size_t first_streamed = std::size_t{64} << 20;

constexpr std::size_t line = bump::cache_line;

[[maybe_unused]] bool may_go_in_halves(std::size_t size) noexcept {
    return size - last_in_one_piece - 1 < last_in_halves - last_in_one_piece;
}

/// A compiler that knows how large a block can be makes string instructions of the call itself.
std::size_t hidden(std::size_t size) noexcept {
    __asm__("" : "+r"(size));
    return size;
}

/// Half of a size, in whole lines, so that the second half is aligned as the first one is.
std::size_t half_of(std::size_t size) noexcept { return bump::align_up(size / 2, line); }

#ifdef __x86_64__

constexpr bool can_stream = true;

/// Which of its string instructions this processor calls fast.
enum string_instructions : unsigned { known = 1, fast_fill = 2, fast_copy = 4 };

bool has_fast(string_instructions wanted) noexcept {
    static std::atomic<unsigned> remembered{0};
    unsigned all = remembered.load(std::memory_order_relaxed);
    if (all == 0) {
        unsigned a = 0, b = 0, c = 0, d = 0;
        all = known;
        if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
            if ((b & 1U << 9) != 0) all |= fast_fill; // "enhanced rep movsb/stosb"
            if ((d & 1U << 4) != 0) all |= fast_copy; // "fast short rep mov"
        }
        remembered.store(all, std::memory_order_relaxed);
    }
    return (all & wanted) != 0;
}

bool fills_in_halves(std::size_t size) noexcept {
    return may_go_in_halves(size) && has_fast(fast_fill);
}

bool copies_in_halves(std::size_t size) noexcept {
    return may_go_in_halves(size) && has_fast(fast_copy);
}

/// Bytes before the first line that begins in a block, which is larger than that.
std::size_t before_first_line(const void *block) noexcept {
    return -reinterpret_cast<std::uintptr_t>(block) & (line - 1);
}

void stream_line(char *target, __m128i a, __m128i b, __m128i c, __m128i d) noexcept {
    auto *const parts = reinterpret_cast<__m128i *>(target);
    _mm_stream_si128(parts, a);
    _mm_stream_si128(parts + 1, b);
    _mm_stream_si128(parts + 2, c);
    _mm_stream_si128(parts + 3, d);
}

void fill_streaming(char *target, int byte, std::size_t size) noexcept {
    const std::size_t head = before_first_line(target);
    std::memset(target, byte, head);
    const __m128i bytes = _mm_set1_epi8(static_cast<char>(byte));
    char *const end = target + size;
    char *at = target + head;
    for (; static_cast<std::size_t>(end - at) >= line; at += line)
        stream_line(at, bytes, bytes, bytes, bytes);
    // Such stores are not ordered with others before the fence.
    _mm_sfence();
    std::memset(at, byte, static_cast<std::size_t>(end - at));
}

void copy_line(char *target, const char *source) noexcept {
    const auto *const parts = reinterpret_cast<const __m128i *>(source);
    stream_line(target, _mm_loadu_si128(parts), _mm_loadu_si128(parts + 1),
                _mm_loadu_si128(parts + 2), _mm_loadu_si128(parts + 3));
}

/// A line of each of four pages in turn, since the processor fetches ahead within pages only.
void copy_streaming(char *target, const char *source, std::size_t size) noexcept {
    constexpr std::size_t page = 4096;
    constexpr std::size_t pages = 4;
    const std::size_t head = before_first_line(target);
    std::memcpy(target, source, head);
    std::size_t at = head;
    for (; size - at >= pages * page; at += pages * page) {
        for (std::size_t in_page = 0; in_page < page; in_page += line) {
            for (std::size_t of_page = at + in_page; of_page < at + pages * page; of_page += page)
                copy_line(target + of_page, source + of_page);
        }
    }
    _mm_sfence();
    std::memcpy(target + at, source + at, size - at);
}

#else

constexpr bool can_stream = false;
bool fills_in_halves(std::size_t) noexcept { return false; }
bool copies_in_halves(std::size_t) noexcept { return false; }
void fill_streaming(char *, int, std::size_t) noexcept {}
void copy_streaming(char *, const char *, std::size_t) noexcept {}

#endif

} // namespace
} // namespace scratch

using namespace scratch;

extern "C" {

void *scratch_fill_slow_(void *target, int byte, size_t size) {
    if (fills_in_halves(size)) {
        const size_t first = half_of(size);
        std::memset(target, byte, hidden(first));
        std::memset(static_cast<char *>(target) + first, byte, hidden(size - first));
        return target;
    }
    if (!can_stream || size < first_streamed) return std::memset(target, byte, size);
    fill_streaming(static_cast<char *>(target), byte, size);
    return target;
}

void *scratch_copy_slow_(void *target, const void *source, size_t size) {
    if (copies_in_halves(size)) {
        const size_t first = half_of(size);
        std::memcpy(target, source, hidden(first));
        std::memcpy(static_cast<char *>(target) + first, static_cast<const char *>(source) + first,
                    hidden(size - first));
        return target;
    }
    if (!can_stream || size < first_streamed) return std::memcpy(target, source, size);
    copy_streaming(static_cast<char *>(target), static_cast<const char *>(source), size);
    return target;
}
}
