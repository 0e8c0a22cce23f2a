// Address arithmetic of a stack: where the next block goes.
//
// Pure functions of numbers. No memory is touched, no state is held and nothing can wrap, so all of
// it is tested at compile time and fuzzed directly (tests/fuzz).
#pragma once

#include <cstddef>
#include <cstdint>

namespace scratch::bump {

/// Tops and block sizes are multiples of this, so that a push with an ordinary alignment needs no
/// arithmetic for it. It is what malloc aligns to as well.
constexpr std::size_t granule = 16;

/// Blocks at distances that are multiples of 1 KiB fall on the same few cache sets, and first
/// stores to them take five times as long. So a block whose size is such a multiple takes a cache
/// line more.
constexpr std::size_t bad_stride = 1024;
constexpr std::size_t cache_line = 64;

constexpr bool is_power_of_two(std::size_t number) {
    return number != 0 && (number & (number - 1)) == 0;
}

/// `address` rounded up to `alignment`, a power of two. The caller has made sure that it does not
/// wrap.
constexpr std::uintptr_t align_up(std::uintptr_t address, std::size_t alignment) {
    return (address + (alignment - 1)) & ~(static_cast<std::uintptr_t>(alignment) - 1);
}

constexpr std::uintptr_t align_down(std::uintptr_t address, std::size_t alignment) {
    return address & ~(static_cast<std::uintptr_t>(alignment) - 1);
}

struct request {
    std::uintptr_t top; ///< end of what is in use; a multiple of granule
    std::uintptr_t end; ///< end of what may be used; a multiple of granule, not below top
    std::size_t
        size; ///< bytes asked for; 0 takes one granule, so that the block has its own address
    std::size_t alignment; ///< a power of two
    std::size_t redzone;   ///< bytes kept free behind the block; a multiple of granule
};

struct placement {
    bool fits;            ///< the rest is meaningful only if so
    std::uintptr_t start; ///< the block; a multiple of alignment and of granule, at or above top
    std::uintptr_t top;   ///< the new top; at or below end, at least size + redzone above start
};

/// Bytes that a block of `size` needs: the smallest multiple of granule that holds it, and one
/// granule for nothing. `size` is at most SIZE_MAX - granule.
constexpr std::size_t needed_size(std::size_t size) {
    return size == 0 ? granule : (size + (granule - 1)) & ~(granule - 1);
}

/// What it takes where there is room, the redzone not counted.
constexpr std::size_t block_size(std::size_t size) {
    const std::size_t needed = needed_size(size);
    return needed % bad_stride == 0 ? needed + cache_line : needed;
}

/// Where a block that fits ends: what is above belongs to others.
constexpr std::uintptr_t block_end(std::uintptr_t start, std::size_t size, std::size_t redzone,
                                   std::uintptr_t end) {
    const std::size_t taken = block_size(size) + redzone;
    return taken < end - start ? start + taken : end;
}

/// Places a block. Compares distances, never sums that could wrap.
constexpr placement place(const request &wanted) {
    constexpr placement misfit{false, 0, 0};
    const std::size_t room = wanted.end - wanted.top;
    const std::size_t alignment = wanted.alignment < granule ? granule : wanted.alignment;
    const std::size_t over = wanted.top & (alignment - 1);
    const std::size_t padding = over == 0 ? 0 : alignment - over;
    if (padding > room || wanted.size > room - padding) return misfit;
    // room is a multiple of granule and so is padding: rounding a size that fits cannot pass the
    // room.
    const std::size_t after = room - padding;
    const std::size_t needed = needed_size(wanted.size);
    if (needed > after || wanted.redzone > after - needed) return misfit;
    const std::uintptr_t start = wanted.top + padding;
    return {true, start, block_end(start, wanted.size, wanted.redzone, wanted.end)};
}

} // namespace scratch::bump
