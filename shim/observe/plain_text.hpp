// Text made in memory that the caller brings: no allocation, no locale, no stdio, so that it serves
// before main, in signal handlers and on the fatal path.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace scratch::shim {

// Appends to a buffer; what does not fit is cut and remembered. One thread at a time.
class plain_text {
public:
    // Uses `capacity` bytes at `first`, which must outlive this.
    constexpr plain_text(char *first, std::size_t capacity) noexcept
        : first_(first), capacity_(capacity) {}

    void add(char character) noexcept;
    void add(std::string_view text) noexcept;
    void add_unsigned(std::uint64_t value, unsigned base = 10) noexcept;

    // %c %s %d %i %u %x %p %% with the lengths hh h l ll z j t, a width and the flags - and 0, and
    // the precision of %s. Anything else is written as it stands, its argument is not looked at,
    // and what follows is not formatted either.
    [[gnu::format(printf, 2, 3)]] void format(const char *format, ...) noexcept;
    [[gnu::format(printf, 2, 0)]] void format_list(const char *format, va_list arguments) noexcept;

    // `text` between double quotes, with a backslash before quotes and backslashes, bytes that are
    // not printable ASCII as \xNN, and at most `most` bytes of it (then "..."): for values from
    // outside in a message of one line.
    void add_quoted(std::string_view text, std::size_t most = 64) noexcept;

    std::string_view view() const noexcept { return {first_, size_}; }
    bool cut() const noexcept { return cut_; }

    // Puts `ending` at the end, over what is there if there is no room for it.
    void end_with(std::string_view ending) noexcept;

private:
    char *first_;
    std::size_t capacity_;
    std::size_t size_ = 0;
    bool cut_ = false;
};

// A plain_text with its own room, on the caller's stack.
template <std::size_t capacity>
class fixed_text : public plain_text {
public:
    fixed_text() noexcept : plain_text(room_, capacity) {}
    fixed_text(const fixed_text &) = delete;
    fixed_text &operator=(const fixed_text &) = delete;

private:
    char room_[capacity];
};

// What a noun has behind it where there are `count` of them.
constexpr const char *plural(std::uint64_t count) noexcept { return count == 1 ? "" : "s"; }

} // namespace scratch::shim
