#include "shim/observe/plain_text.hpp"

#include <cstring>

namespace scratch::shim {

namespace {

enum class integer_length { of_char, of_short, of_int, of_long, of_long_long, of_size };

struct conversion {
    bool to_the_left = false;
    bool zeros = false;
    std::size_t width = 0;
    std::size_t precision = static_cast<std::size_t>(-1);
    integer_length length = integer_length::of_int;
    char kind = 0;
};

std::size_t read_number(const char *&at) noexcept {
    std::size_t number = 0;
    for (; *at >= '0' && *at <= '9'; ++at)
        number = number * 10 + static_cast<std::size_t>(*at - '0');
    return number;
}

// Copied, so that a va_list parameter (an array on some systems) can be passed on by reference.
struct argument_list {
    va_list list;
};

std::size_t read_count(const char *&at, argument_list &arguments) noexcept {
    if (*at != '*') return read_number(at);
    ++at;
    const int given = va_arg(arguments.list, int);
    return given < 0 ? 0 : static_cast<std::size_t>(given);
}

integer_length read_length(const char *&at) noexcept {
    switch (*at) {
    case 'h':
        if (*++at != 'h') return integer_length::of_short;
        ++at;
        return integer_length::of_char;
    case 'l':
        if (*++at != 'l') return integer_length::of_long;
        ++at;
        return integer_length::of_long_long;
    case 'j':
        ++at;
        return integer_length::of_long_long;
    case 'z':
    case 't':
        ++at;
        return integer_length::of_size;
    default:
        return integer_length::of_int;
    }
}

// `at` stands behind the percent sign, and behind the conversion afterwards.
conversion read_conversion(const char *&at, argument_list &arguments) noexcept {
    conversion result;
    for (;; ++at) {
        if (*at == '-')
            result.to_the_left = true;
        else if (*at == '0')
            result.zeros = true;
        else
            break;
    }
    result.width = read_count(at, arguments);
    if (*at == '.') {
        ++at;
        result.precision = read_count(at, arguments);
    }
    result.length = read_length(at);
    result.kind = *at;
    if (*at != 0) ++at;
    return result;
}

std::int64_t take_signed(integer_length length, argument_list &arguments) noexcept {
    switch (length) {
    case integer_length::of_char:
        return static_cast<signed char>(va_arg(arguments.list, int));
    case integer_length::of_short:
        return static_cast<short>(va_arg(arguments.list, int));
    case integer_length::of_long:
        return va_arg(arguments.list, long);
    case integer_length::of_long_long:
        return va_arg(arguments.list, long long);
    case integer_length::of_size:
        return va_arg(arguments.list, std::ptrdiff_t);
    default:
        return va_arg(arguments.list, int);
    }
}

std::uint64_t take_unsigned(integer_length length, argument_list &arguments) noexcept {
    switch (length) {
    case integer_length::of_char:
        return static_cast<unsigned char>(va_arg(arguments.list, unsigned));
    case integer_length::of_short:
        return static_cast<unsigned short>(va_arg(arguments.list, unsigned));
    case integer_length::of_long:
        return va_arg(arguments.list, unsigned long);
    case integer_length::of_long_long:
        return va_arg(arguments.list, unsigned long long);
    case integer_length::of_size:
        return va_arg(arguments.list, std::size_t);
    default:
        return va_arg(arguments.list, unsigned);
    }
}

// A number's digits, written from the back.
class digits {
public:
    digits(std::uint64_t value, unsigned base) noexcept {
        do {
            *--first_ = "0123456789abcdef"[value % base];
            value /= base;
        } while (value != 0);
    }
    std::string_view view() const noexcept {
        return {first_, static_cast<std::size_t>(room_ + sizeof room_ - first_)};
    }

private:
    char room_[64];
    char *first_ = room_ + sizeof room_;
};

void add_padded(plain_text &text, const conversion &how, std::string_view prefix,
                std::string_view body) noexcept {
    const std::size_t size = prefix.size() + body.size();
    const std::size_t padding = how.width > size ? how.width - size : 0;
    if (!how.to_the_left && !how.zeros)
        for (std::size_t i = 0; i < padding; ++i)
            text.add(' ');
    text.add(prefix);
    if (!how.to_the_left && how.zeros)
        for (std::size_t i = 0; i < padding; ++i)
            text.add('0');
    text.add(body);
    if (how.to_the_left)
        for (std::size_t i = 0; i < padding; ++i)
            text.add(' ');
}

// False where the conversion is not one of ours.
bool add_conversion(plain_text &text, conversion how, argument_list &arguments) noexcept {
    switch (how.kind) {
    case '%':
        text.add('%');
        return true;
    case 'c': {
        how.zeros = false;
        const char character = static_cast<char>(va_arg(arguments.list, int));
        add_padded(text, how, {}, {&character, 1});
        return true;
    }
    case 's': {
        how.zeros = false;
        const char *string = va_arg(arguments.list, const char *);
        if (string == nullptr) string = "(null)";
        add_padded(text, how, {}, {string, ::strnlen(string, how.precision)});
        return true;
    }
    case 'd':
    case 'i': {
        const std::int64_t value = take_signed(how.length, arguments);
        const auto bits = static_cast<std::uint64_t>(value);
        const digits written(value < 0 ? 0 - bits : bits, 10);
        add_padded(text, how, value < 0 ? "-" : "", written.view());
        return true;
    }
    case 'u':
    case 'x': {
        const digits written(take_unsigned(how.length, arguments), how.kind == 'x' ? 16 : 10);
        add_padded(text, how, {}, written.view());
        return true;
    }
    case 'p': {
        const digits written(reinterpret_cast<std::uintptr_t>(va_arg(arguments.list, void *)), 16);
        add_padded(text, how, "0x", written.view());
        return true;
    }
    default:
        return false;
    }
}

} // namespace

void plain_text::add(char character) noexcept {
    if (size_ < capacity_)
        first_[size_++] = character;
    else
        cut_ = true;
}

void plain_text::add(std::string_view text) noexcept {
    std::size_t fits = capacity_ - size_;
    if (text.size() <= fits)
        fits = text.size();
    else
        cut_ = true;
    if (fits != 0) std::memcpy(first_ + size_, text.data(), fits);
    size_ += fits;
}

void plain_text::add_unsigned(std::uint64_t value, unsigned base) noexcept {
    add(digits(value, base).view());
}

void plain_text::format(const char *format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    format_list(format, arguments);
    va_end(arguments);
}

void plain_text::format_list(const char *format, va_list given) noexcept {
    argument_list arguments;
    va_copy(arguments.list, given);
    for (const char *at = format; *at != 0;) {
        const char *start = at;
        if (*at != '%') {
            while (*at != 0 && *at != '%')
                ++at;
            add({start, static_cast<std::size_t>(at - start)});
            continue;
        }
        ++at;
        const conversion how = read_conversion(at, arguments);
        if (!add_conversion(*this, how, arguments)) {
            add(std::string_view(start));
            break;
        }
    }
    va_end(arguments.list);
}

void plain_text::add_quoted(std::string_view text, std::size_t most) noexcept {
    const bool shortened = text.size() > most;
    add('"');
    for (std::size_t i = 0; i < (shortened ? most : text.size()); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte >= 0x7f) {
            format("\\x%02x", unsigned{byte});
            continue;
        }
        if (text[i] == '"' || text[i] == '\\') add('\\');
        add(text[i]);
    }
    if (shortened) add("...");
    add('"');
}

void plain_text::end_with(std::string_view ending) noexcept {
    if (ending.size() > capacity_) return;
    if (capacity_ - size_ < ending.size()) {
        size_ = capacity_ - ending.size();
        cut_ = true;
    }
    add(ending);
}

} // namespace scratch::shim
