// Reading from bytes that may be damaged: every read is checked against the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace darwin {

/// Why a file is not loaded: one sentence for the user.
class refusal : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

using byte_view = std::span<const std::byte>;

/// The part of `size` bytes at `offset`; refuses what is not inside.
byte_view part_of(byte_view bytes, std::uint64_t offset, std::uint64_t size, const char *what);

/// A copy of the structure at `offset`.
template <typename Structure>
Structure read_at(byte_view bytes, std::uint64_t offset, const char *what) {
    const byte_view part = part_of(bytes, offset, sizeof(Structure), what);
    Structure result;
    std::memcpy(&result, part.data(), sizeof result);
    return result;
}

/// The string at `offset`, without its zero; refuses one that does not end in the bytes.
std::string_view string_at(byte_view bytes, std::uint64_t offset, const char *what);

/// The name in an array that is not terminated where it is full.
template <std::size_t Size>
std::string_view name_in(const char (&array)[Size]) {
    return {array, strnlen(array, Size)};
}

/// Goes through opcodes, tries and the like, byte by byte.
class cursor {
public:
    cursor(byte_view bytes, const char *what, std::uint64_t at = 0)
        : bytes_(bytes), what_(what), at_(at) {}

    bool at_end() const { return at_ >= bytes_.size(); }
    std::uint64_t position() const { return at_; }
    void skip(std::uint64_t count);
    std::uint8_t byte();
    std::uint64_t uleb();
    std::int64_t sleb();
    std::string_view string();

private:
    byte_view bytes_;
    const char *what_;
    std::uint64_t at_;
};

/// The sum of address arithmetic that must not wrap.
std::uint64_t sum_of(std::uint64_t first, std::uint64_t second, const char *what);

std::string hexadecimal(std::uint64_t number);

} // namespace darwin
