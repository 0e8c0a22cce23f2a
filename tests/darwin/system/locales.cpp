// Locales: "C" alone, under any name that a program asks for.
#include "names.hpp"

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <cwchar>
#include <locale.h>
#include <wctype.h>

namespace darwin::locales {
namespace {

locale_t of_host() {
    static const locale_t c = newlocale(LC_ALL_MASK, "C", nullptr);
    return c;
}

void *make(int, const char *, void *) { return of_host(); }
int give_back(void *) { return 0; }
void *use(void *) { return of_host(); }
void *copy(void *) { return of_host(); }

char *set(int, const char *name) {
    static char c[] = "C";
    return name == nullptr || *name == 0 || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0
               ? c
               : nullptr;
}

// struct lconv has its strings and its first numbers at the same places.
lconv *conventions(void *) { return localeconv(); }

int bytes_of_character = 1;
int most_bytes(void *) { return bytes_of_character; }
int most_bytes_of_program() { return bytes_of_character; }

void *open_catalogue(const char *, int) { return reinterpret_cast<void *>(-1); }
int close_catalogue(void *) { return 0; }
char *catalogue_text(void *, int, int, const char *usual) { return const_cast<char *>(usual); }

// The functions with a locale, which may be null there.
int compare(const char *one, const char *other, void *) { return strcmp(one, other); }
int compare_wide(const wchar_t *one, const wchar_t *other, void *) { return wcscmp(one, other); }
std::size_t transform(char *to, const char *from, std::size_t size, void *) {
    return strxfrm_l(to, from, size, of_host());
}
std::size_t transform_wide(wchar_t *to, const wchar_t *from, std::size_t size, void *) {
    return wcsxfrm_l(to, from, size, of_host());
}
double to_double(const char *text, char **end, void *) { return strtod_l(text, end, of_host()); }
float to_float(const char *text, char **end, void *) { return strtof_l(text, end, of_host()); }
long double to_long_double(const char *text, char **end, void *) {
    return strtold_l(text, end, of_host());
}
long long to_integer(const char *text, char **end, int base, void *) {
    return strtoll_l(text, end, base, of_host());
}
unsigned long long to_unsigned(const char *text, char **end, int base, void *) {
    return strtoull_l(text, end, base, of_host());
}
std::size_t print_time(char *to, std::size_t size, const char *text, const tm *time, void *) {
    return strftime_l(to, size, text, time, of_host());
}

// mbstate_t is opaque and larger there.
std::size_t wide_of(wchar_t *to, const char *from, std::size_t size, mbstate_t *state, void *) {
    return mbrtowc(to, from, size, state);
}
std::size_t length_of(const char *from, std::size_t size, mbstate_t *state, void *) {
    return mbrlen(from, size, state);
}
std::size_t narrow_of(char *to, wchar_t from, mbstate_t *state, void *) {
    return wcrtomb(to, from, state);
}
std::size_t wides_of(wchar_t *to, const char **from, std::size_t bytes, std::size_t size,
                     mbstate_t *state, void *) {
    return mbsnrtowcs(to, from, bytes, size, state);
}
std::size_t wides_of_string(wchar_t *to, const char **from, std::size_t size, mbstate_t *state,
                            void *) {
    return mbsrtowcs(to, from, size, state);
}
std::size_t narrows_of(char *to, const wchar_t **from, std::size_t wides, std::size_t size,
                       mbstate_t *state, void *) {
    return wcsnrtombs(to, from, wides, size, state);
}
int first_wide(wchar_t *to, const char *from, std::size_t size, void *) {
    return mbtowc(to, from, size);
}
wint_t wide_of_byte(int byte, void *) { return btowc(byte); }
int byte_of_wide(wint_t wide, void *) { return wctob(wide); }

} // namespace
} // namespace darwin::locales

namespace darwin::system {

std::span<const entry> locale_names() {
    using namespace darwin::locales;
    static const entry names[] = {
        function("newlocale", make),
        function("freelocale", give_back),
        function("uselocale", use),
        function("duplocale", darwin::locales::copy),
        function("setlocale", darwin::locales::set),
        function("localeconv_l", conventions),
        function("___mb_cur_max_l", most_bytes),
        function("___mb_cur_max", most_bytes_of_program),
        variable("__mb_cur_max", bytes_of_character),
        function("catopen", open_catalogue),
        function("catclose", close_catalogue),
        function("catgets", catalogue_text),
        function("strcoll_l", compare),
        function("wcscoll_l", compare_wide),
        function("strxfrm_l", darwin::locales::transform),
        function("wcsxfrm_l", transform_wide),
        function("strtod_l", to_double),
        function("strtof_l", to_float),
        function("strtold_l", to_long_double),
        function("strtoll_l", to_integer),
        function("strtoull_l", to_unsigned),
        function("strftime_l", print_time),
        function("mbrtowc_l", wide_of),
        function("mbrlen_l", length_of),
        function("wcrtomb_l", narrow_of),
        function("mbsnrtowcs_l", wides_of),
        function("mbsrtowcs_l", wides_of_string),
        function("wcsnrtombs_l", narrows_of),
        function("mbtowc_l", first_wide),
        function("btowc_l", wide_of_byte),
        function("wctob_l", byte_of_wide),
    };
    return names;
}

} // namespace darwin::system
