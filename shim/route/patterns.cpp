#include "shim/route/patterns.hpp"

namespace scratch::shim {

namespace {

// Behind the bracket that closes the set, null where none does.
const char *match_set(const char *set, char character, bool &matched) noexcept {
    const bool negated = *set == '!' || *set == '^';
    if (negated) ++set;
    bool found = false;
    for (bool first = true; first || *set != ']'; first = false) {
        if (*set == '\0') return nullptr;
        const char low = *set++;
        char high = low;
        if (set[0] == '-' && set[1] != ']' && set[1] != '\0') {
            high = set[1];
            set += 2;
        }
        found = found || (low <= character && character <= high);
    }
    matched = found != negated;
    return set + 1;
}

// One character of the text by the first element of the pattern; behind that, null for no match.
const char *match_one(const char *pattern, char character) noexcept {
    if (*pattern == '?') return pattern + 1;
    if (*pattern == '[') {
        bool matched = false;
        const char *behind = match_set(pattern + 1, character, matched);
        if (behind != nullptr) return matched ? behind : nullptr;
    }
    if (*pattern == '\\' && pattern[1] != '\0') ++pattern;
    return *pattern == character ? pattern + 1 : nullptr;
}

} // namespace

bool matches(const char *pattern, const char *text) noexcept {
    // The last star, and the text from which it is tried with one character more next.
    const char *star = nullptr;
    const char *retried = nullptr;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retried = text;
            continue;
        }
        if (const char *behind = match_one(pattern, *text); behind != nullptr) {
            pattern = behind;
            ++text;
            continue;
        }
        if (star == nullptr) return false;
        pattern = star;
        text = ++retried;
    }
    while (*pattern == '*')
        ++pattern;
    return *pattern == '\0';
}

} // namespace scratch::shim
