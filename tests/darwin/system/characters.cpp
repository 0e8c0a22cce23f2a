// Kinds of characters: programs look into a table of the system's themselves.
#include "names.hpp"

#include <cctype>
#include <cstdint>
#include <cstring>

namespace darwin::characters {
namespace {

constexpr std::size_t cached = 256;

struct ranges {
    int count;
    void *first;
};

// _RuneLocale
struct table {
    char magic[8];
    char encoding[32];
    void *read;
    void *write;
    std::int32_t invalid;
    std::uint32_t kinds[cached];
    std::int32_t lower[cached];
    std::int32_t upper[cached];
    ranges further_kinds, further_lower, further_upper;
    void *variable;
    int variable_size;
    int class_count;
    void *classes;
};

struct kind {
    int (*has)(int);
    std::uint32_t bit;
};
constexpr kind kinds[] = {{isalpha, 0x100},   {iscntrl, 0x200},  {isdigit, 0x400},
                          {isgraph, 0x800},   {islower, 0x1000}, {ispunct, 0x2000},
                          {isspace, 0x4000},  {isupper, 0x8000}, {isxdigit, 0x10000},
                          {isblank, 0x20000}, {isprint, 0x40000}};

table make() {
    table result{};
    std::memcpy(result.magic, "RuneMagA", 8);
    std::memcpy(result.encoding, "NONE", 5);
    for (int at = 0; at < static_cast<int>(cached); ++at) {
        // "C" has no kinds past ASCII.
        if (at < 128)
            for (const kind &each : kinds)
                if (each.has(at) != 0) result.kinds[at] |= each.bit;
        result.lower[at] = at < 128 ? tolower(at) : at;
        result.upper[at] = at < 128 ? toupper(at) : at;
    }
    return result;
}

table of_program = make();
table *current = &of_program;

bool is_inside(std::int32_t character) {
    return character >= 0 && character < static_cast<std::int32_t>(cached);
}

int kinds_of(std::int32_t character, unsigned long wanted) {
    return is_inside(character) ? static_cast<int>(of_program.kinds[character] & wanted) : 0;
}
int kinds_of_locale(std::int32_t character, unsigned long wanted, void *) {
    return kinds_of(character, wanted);
}
std::int32_t lower(std::int32_t character) {
    return is_inside(character) ? of_program.lower[character] : character;
}
std::int32_t upper(std::int32_t character) {
    return is_inside(character) ? of_program.upper[character] : character;
}
std::int32_t lower_of_locale(std::int32_t character, void *) { return lower(character); }
std::int32_t upper_of_locale(std::int32_t character, void *) { return upper(character); }

} // namespace
} // namespace darwin::characters

namespace darwin::system {

std::span<const entry> character_names() {
    using namespace darwin::characters;
    static const entry names[] = {
        variable("_DefaultRuneLocale", of_program),
        variable("_CurrentRuneLocale", current),
        function("__maskrune", kinds_of),
        function("___maskrune_l", kinds_of_locale),
        function("__maskrune_l", kinds_of_locale),
        function("__tolower", lower),
        function("__toupper", upper),
        function("___tolower_l", lower_of_locale),
        function("___toupper_l", upper_of_locale),
    };
    return names;
}

} // namespace darwin::system
