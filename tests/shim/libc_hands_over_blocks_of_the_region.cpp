// What libc makes for its caller is the caller's: in a region it lies in the region. What libc
// keeps, or cannot be told from that, lives on.
#include <climits>
#include <clocale>
#include <cstdarg>
#include <cstdio>
#include <cwchar>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

#ifdef __APPLE__
#include <xlocale.h>
#endif

#include "scenario.hpp"
#include "scratch_memory.hpp"

#ifdef __GLIBC__
extern "C" int __asprintf_chk(char **result, int flag, const char *format, ...) noexcept;
#endif

namespace {

// Takes both: the string, and what it is to say.
bool is_served(char *made, const std::string &says) {
    const bool served = is_scratch(made) && says == made;
    free(made);
    return served;
}

__attribute__((format(printf, 1, 0))) char *print_list(const char *format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    char *made = nullptr;
    REQUIRE(vasprintf(&made, format, arguments) >= 0);
    va_end(arguments);
    return made;
}

#ifdef __APPLE__
__attribute__((format(printf, 1, 0))) char *print_list_in_c(const char *format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    char *made = nullptr;
    REQUIRE(vasprintf_l(&made, nullptr, format, arguments) >= 0);
    va_end(arguments);
    return made;
}
#endif

// The block of a line is the caller's when it is made and when it grows.
void read_lines(FILE *file, const std::string &text) {
    char *line = nullptr;
    std::size_t size = 0;
    REQUIRE(getline(&line, &size, file) == 6 && is_scratch(line) && line == std::string("short\n"));
    REQUIRE(getline(&line, &size, file) == 100001 && is_served(line, text + "\n"));
    line = nullptr;
    size = 0;
    REQUIRE(getdelim(&line, &size, '|', file) == 8 && is_scratch(line));
    REQUIRE(getdelim(&line, &size, '|', file) == 100001 && is_served(line, text + "|"));
}

void hand_over_within(unsigned flags) {
    REQUIRE(is_served(strdup("a copy"), "a copy"));
    REQUIRE(is_served(strndup("a copy of a part", 6), "a copy"));
    REQUIRE(is_scratch(wcsdup(L"a wide copy")));
    char *printed = nullptr;
    REQUIRE(asprintf(&printed, "%d and %s", 42, "more") == 11);
    REQUIRE(is_served(printed, "42 and more"));
    const std::string text(100000, 'x');
    REQUIRE(asprintf(&printed, "%s%s", text.c_str(), text.c_str()) == 200000);
    REQUIRE(is_served(printed, text + text));
    REQUIRE(is_served(print_list("%.2f", 0.25), "0.25"));
    REQUIRE(is_served(realpath("/dev/../usr/..", nullptr), "/"));
    REQUIRE(chdir("/dev") == 0);
    REQUIRE(is_served(getcwd(nullptr, 0), "/dev"));
#ifdef __GLIBC__
    REQUIRE(__asprintf_chk(&printed, 1, "%s", "checked") == 7);
    REQUIRE(is_served(printed, "checked"));
    REQUIRE(is_served(canonicalize_file_name("/dev/.."), "/"));
#endif
#ifdef __APPLE__
    REQUIRE(asprintf_l(&printed, nullptr, "%d and %s", 42, "more") == 11);
    REQUIRE(is_served(printed, "42 and more"));
    REQUIRE(is_served(print_list_in_c("%.2f", 0.25), "0.25"));
#else
    REQUIRE(is_served(get_current_dir_name(), "/dev"));
#endif
    char path[PATH_MAX];
    REQUIRE(realpath("/dev/..", path) == path && getcwd(path, sizeof path) == path);
    REQUIRE(realpath("/no/such/file", nullptr) == nullptr && errno == ENOENT);
    FILE *file = tmpfile();
    REQUIRE(!is_scratch(file) || flags == 0);
    REQUIRE(fprintf(file, "short\n%s\nto here|%s|", text.c_str(), text.c_str()) > 0);
    rewind(file);
    read_lines(file, text);
    fclose(file);
    std::string grown = text;
    grown += text;
    REQUIRE(is_scratch(grown.data()));
}

void hand_over(unsigned flags) {
    const scratch_region_token token = scratch_region_enter("strings", flags);
    hand_over_within(flags);
    scratch_region_leave(token);
    // Outside they are libc's.
    char *printed = nullptr;
    REQUIRE(asprintf(&printed, "%d", 42) == 2 && !is_scratch(printed));
    free(printed);
    printed = realpath("/", nullptr);
    REQUIRE(!is_scratch(printed));
    free(printed);
}

SCENARIO(handed_over_in_counted) {
    start_of_scratch_memory();
    hand_over(0);
    return 0;
}
SCENARIO(handed_over_in_trusted) {
    start_of_scratch_memory();
    hand_over(SCRATCH_TRUSTED);
    return 0;
}

TEST(region, has_what_libc_hands_over) {
    for (const scenario &wanted : {handed_over_in_counted, handed_over_in_trusted}) {
        const outcome result = run(wanted);
        EXPECT_TRUE(result.exited_with(0)) << wanted.name << result.describe();
    }
}

// Round after round: nothing of them stays, in memory or in libc.
SCENARIO(handed_over_and_dropped) {
    start_of_scratch_memory();
    std::size_t resident = 0;
    for (int round = 0; round < 20000; ++round) {
        SCRATCH_REGION("dropped", SCRATCH_TRUSTED);
        char *printed = nullptr;
        REQUIRE(asprintf(&printed, "%0500d", round) == 500);
        REQUIRE(realpath("/", nullptr) != nullptr);
        if (round == 1000) resident = resident_bytes();
    }
    REQUIRE(resident_bytes() < resident + (std::size_t{1} << 20));
    return 0;
}

TEST(region, takes_back_what_libc_handed_over) {
    const outcome result = run(handed_over_and_dropped);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

#ifdef __GLIBC__
// A stream into memory, and a word that scanf allocates: their blocks cannot be told from libc's
// own, so the region's end leaves them alone, and whoever has them may use and free them.
SCENARIO(made_deep_inside) {
    start_of_scratch_memory();
    char *text = nullptr;
    std::size_t size = 0;
    FILE *stream;
    char *word = nullptr;
    {
        SCRATCH_REGION("streams", SCRATCH_TRUSTED);
        stream = open_memstream(&text, &size);
        REQUIRE(stream != nullptr && !is_scratch(stream));
        REQUIRE(fputs("within, ", stream) >= 0);
        REQUIRE(sscanf("word", "%ms", &word) == 1);
        // Left open for libc to close at the end.
        char *lost_text = nullptr;
        std::size_t lost_size = 0;
        REQUIRE(open_memstream(&lost_text, &lost_size) != nullptr);
    }
    {
        SCRATCH_REGION("overwrite", SCRATCH_TRUSTED);
        for (int i = 0; i < 500; ++i)
            memset(malloc(100), 0xee, 100);
        for (int i = 0; i < 1000; ++i)
            REQUIRE(fputs("without, ", stream) >= 0);
    }
    REQUIRE(fclose(stream) == 0 && size == 9008);
    REQUIRE(std::string(text).starts_with("within, without, "));
    REQUIRE(std::string(word) == "word");
    free(text);
    free(word);
    return 0;
}

TEST(region, leaves_streams_into_memory_to_libc) {
    const outcome result = run(made_deep_inside, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

// What a conversion of wide text loads on its way is libc's for good.
SCENARIO(prints_wide_text) {
    start_of_scratch_memory();
    const bool wide = setlocale(LC_ALL, "C.UTF-8") != nullptr;
    for (int round = 0; round < 10; ++round) {
        SCRATCH_REGION("wide", SCRATCH_TRUSTED);
        char *printed = nullptr;
        const wchar_t text[] = {L'w', wchar_t(wide ? 0xe4 : L'a'), 0};
        REQUIRE(asprintf(&printed, "%ls", text) == (wide ? 3 : 2));
        memset(malloc(5000), 0xee, 5000);
    }
    return 0;
}

TEST(region, leaves_libc_what_it_loads_while_it_prints) {
    const outcome result = run(prints_wide_text, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}
#endif

} // namespace
