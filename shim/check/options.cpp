#include "shim/check/options.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "shim/observe/log.hpp"
#include "shim/observe/plain_text.hpp"

namespace scratch::shim::check {

constinit options asked;

namespace {

constexpr std::uint32_t deepest = 32;

// Digits with K, M or G behind them where wanted.
bool parse_number(std::string_view text, std::size_t &number) noexcept {
    const char *end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || rest == text.data()) return false;
    if (rest == end) return true;
    const std::size_t unit = std::string_view("KMG").find(*rest);
    return rest + 1 == end && unit != std::string_view::npos &&
           !__builtin_mul_overflow(number, std::size_t{1} << (10 * (unit + 1)), &number);
}

bool read_number(std::string_view name, std::string_view value) noexcept {
    std::size_t number = 0;
    if (!parse_number(value, number)) return false;
    if (name == "quarantine") {
        asked.quarantine = number;
    } else if (name == "mappings" && number <= UINT32_MAX) {
        asked.mappings = static_cast<std::uint32_t>(number);
    } else if (name == "depth" && number >= 1) {
        asked.depth = static_cast<std::uint32_t>(std::min<std::size_t>(number, deepest));
    } else if (name == "error-exitcode" && number <= 255) {
        asked.error_exitcode = static_cast<int>(number);
    } else {
        return false;
    }
    return true;
}

struct switch_word {
    std::string_view name;
    bool options::*member;
    bool value;
};
constexpr switch_word switches[] = {
    {"halt", &options::halt, true},
    {"every-block", &options::every_block, true},
    {"leaks", &options::leaks, true},
    {"no-escapes", &options::escapes, false},
    {"leaks-are-errors", &options::leaks_are_errors, true},
    {"escapes-are-errors", &options::escapes_are_errors, true},
    {"no-lines", &options::lines, false},
};

bool read_word(std::string_view word) noexcept {
    for (const switch_word &one : switches) {
        if (word != one.name) continue;
        asked.*one.member = one.value;
        return true;
    }
    const std::size_t equals = word.find('=');
    return equals != word.npos && read_number(word.substr(0, equals), word.substr(equals + 1));
}

} // namespace

void read_options(const char *text) noexcept {
    std::string_view rest = text != nullptr ? text : "";
    while (!rest.empty()) {
        const std::size_t size = std::min(rest.find(','), rest.size());
        const std::string_view word = rest.substr(0, size);
        rest.remove_prefix(std::min(size + 1, rest.size()));
        if (word.empty() || read_word(word)) continue;
        fixed_text<256> shown;
        shown.add_quoted(word);
        log_raw("SCRATCH_CHECK: %.*s is not used (accepted: quarantine=BYTES, mappings=N, depth=N, "
                "error-exitcode=N up to 255, halt, every-block, leaks, no-escapes, "
                "leaks-are-errors, escapes-are-errors, no-lines)",
                static_cast<int>(shown.view().size()), shown.view().data());
    }
}

} // namespace scratch::shim::check
