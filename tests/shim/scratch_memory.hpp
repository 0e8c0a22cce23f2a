// Questions that scenarios ask about where a block lies, and patterns that tell whose it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <scratch/annotate.h>

// The first chunk that a process takes stands at the beginning of the shim's reservation; so this
// is to be asked for before anything else is pushed. 0 where nothing is pushed at all. Costs one
// region and one call to scratch; leaves nothing behind.
inline std::uintptr_t start_of_scratch_memory() {
    static const std::uintptr_t start = [] {
        const char *mode = std::getenv("SCRATCH_MODE");
        if (mode == nullptr || std::strcmp(mode, "off") == 0) return std::uintptr_t{0};
        SCRATCH_REGION("where scratch memory lies");
        void *block = malloc(1);
        const auto address = reinterpret_cast<std::uintptr_t>(block);
        free(block);
        return address & ~std::uintptr_t{0xffff};
    }();
    return start;
}

inline bool is_scratch(const void *block) {
    const std::uintptr_t start = start_of_scratch_memory();
    return start != 0 &&
           reinterpret_cast<std::uintptr_t>(block) - start < (std::uintptr_t{64} << 30);
}

// Bytes that depend on a block's number and their place in it.
inline unsigned char pattern_byte(std::size_t number, std::size_t at) {
    return static_cast<unsigned char>(number * 131 + at * 7 + (at >> 8) + 1);
}
// Of what is large, both ends and a byte of each page.
inline std::size_t step_of_pattern(std::size_t size, std::size_t at) {
    return size > 16384 && at > 1024 && at + 5120 < size ? 4096 : 1;
}
inline void write_pattern(void *block, std::size_t size, std::size_t number) {
    auto *bytes = static_cast<unsigned char *>(block);
    for (std::size_t at = 0; at < size; at += step_of_pattern(size, at))
        bytes[at] = pattern_byte(number, at);
}
// `of` is the size that the pattern was written with, where that was another one.
inline bool has_pattern(const void *block, std::size_t size, std::size_t number,
                        std::size_t of = 0) {
    const auto *bytes = static_cast<const unsigned char *>(block);
    for (std::size_t at = 0; at < size; at += step_of_pattern(of == 0 ? size : of, at))
        if (bytes[at] != pattern_byte(number, at)) return false;
    return true;
}
inline bool is_zero(const void *block, std::size_t size) {
    const auto *bytes = static_cast<const unsigned char *>(block);
    for (std::size_t at = 0; at < size; ++at)
        if (bytes[at] != 0) return false;
    return true;
}
