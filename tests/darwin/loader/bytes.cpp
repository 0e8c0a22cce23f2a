#include "bytes.hpp"

#include <cstdio>

namespace darwin {

byte_view part_of(byte_view bytes, std::uint64_t offset, std::uint64_t size, const char *what) {
    if (offset > bytes.size() || size > bytes.size() - offset)
        throw refusal(std::string(what) + " lies outside of what holds it");
    return bytes.subspan(offset, size);
}

std::string_view string_at(byte_view bytes, std::uint64_t offset, const char *what) {
    part_of(bytes, offset, 0, what);
    const byte_view rest = bytes.subspan(offset);
    const char *const first = reinterpret_cast<const char *>(rest.data());
    const std::size_t length = rest.empty() ? 0 : strnlen(first, rest.size());
    if (length == rest.size()) throw refusal(std::string(what) + " does not end");
    return {first, length};
}

void cursor::skip(std::uint64_t count) {
    part_of(bytes_, at_, count, what_);
    at_ += count;
}

std::uint8_t cursor::byte() {
    const auto result = read_at<std::uint8_t>(bytes_, at_, what_);
    ++at_;
    return result;
}

std::uint64_t cursor::uleb() {
    std::uint64_t result = 0;
    for (unsigned shift = 0;; shift += 7) {
        const std::uint8_t next = byte();
        const std::uint64_t bits = next & 0x7f;
        if (shift > 63 || (shift == 63 && bits > 1))
            throw refusal(std::string(what_) + " holds a number of more than 64 bits");
        result |= bits << shift;
        if ((next & 0x80) == 0) return result;
    }
}

std::int64_t cursor::sleb() {
    std::uint64_t result = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (shift > 63) throw refusal(std::string(what_) + " holds a number of more than 64 bits");
        const std::uint8_t next = byte();
        result |= std::uint64_t{next & 0x7fU} << shift;
        if ((next & 0x80) != 0) continue;
        if ((next & 0x40) != 0 && shift + 7 < 64) result |= ~std::uint64_t{0} << (shift + 7);
        return static_cast<std::int64_t>(result);
    }
}

std::string_view cursor::string() {
    const std::string_view result = string_at(bytes_, at_, what_);
    at_ += result.size() + 1;
    return result;
}

std::uint64_t sum_of(std::uint64_t first, std::uint64_t second, const char *what) {
    std::uint64_t sum = 0;
    if (__builtin_add_overflow(first, second, &sum))
        throw refusal(std::string(what) + " lies past the last address");
    return sum;
}

std::string hexadecimal(std::uint64_t number) {
    char text[32];
    snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
    return text;
}

} // namespace darwin
