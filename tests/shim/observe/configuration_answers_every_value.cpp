// Promise: each SCRATCH_ variable is read strictly; what cannot be used costs one sentence that
// names it, says what is accepted and what is used instead; the program runs.
#include "shim/lifecycle/configuration.hpp"
#include "tests/shim/observe/child.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <gtest/gtest.h>
#include <list>
#include <sys/resource.h>

using namespace scratch::shim;

namespace {

struct answer {
    configuration read;
    std::string warnings;
};

// Standard error is replaced for the time of the call. The environment lives as long as its copies
// here.
answer read_with(std::initializer_list<const char *> entries) {
    static std::list<environment_of> kept;
    environment_of &environment = kept.emplace_back(entries);
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    errno = 4711;
    answer result;
    result.read = read_configuration(environment.get());
    EXPECT_EQ(errno, 4711);
    dup2(saved, STDERR_FILENO);
    close(saved);
    result.warnings = read_all(ends[0]);
    close(ends[0]);
    return result;
}

std::ptrdiff_t lines(const std::string &text) { return std::count(text.begin(), text.end(), '\n'); }

} // namespace

TEST(configuration, is_the_default_where_nothing_is_set) {
    for (const answer &one :
         {read_with({}), read_with({"PATH=/bin", "SCRATCH=1", "SCRATCH_MODE_=off"})}) {
        EXPECT_EQ(one.read.mode, run_mode::scoped);
        EXPECT_EQ(one.read.budget, std::size_t{8} << 20);
        EXPECT_EQ(one.read.statistics, statistics_format::none);
        EXPECT_EQ(one.read.log, log_level::warn);
        EXPECT_TRUE(one.read.follow);
        EXPECT_EQ(one.read.output, nullptr);
        EXPECT_EQ(one.warnings, "");
    }
    EXPECT_EQ(read_configuration(nullptr).mode, run_mode::scoped);
}

TEST(configuration, knows_every_word) {
    EXPECT_EQ(read_with({"SCRATCH_MODE=off"}).read.mode, run_mode::off);
    EXPECT_EQ(read_with({"SCRATCH_MODE=scoped"}).read.mode, run_mode::scoped);
    EXPECT_EQ(read_with({"SCRATCH_MODE=adaptive"}).read.mode, run_mode::adaptive);
    EXPECT_EQ(read_with({"SCRATCH_STATS=0"}).read.statistics, statistics_format::none);
    EXPECT_EQ(read_with({"SCRATCH_STATS=1"}).read.statistics, statistics_format::text);
    EXPECT_EQ(read_with({"SCRATCH_STATS=json"}).read.statistics, statistics_format::json);
    EXPECT_FALSE(read_with({"SCRATCH_FOLLOW=0"}).read.follow);
    EXPECT_TRUE(read_with({"SCRATCH_FOLLOW=1"}).read.follow);
    EXPECT_EQ(read_with({"SCRATCH_LOG=off"}).read.log, log_level::off);
    EXPECT_EQ(read_with({"SCRATCH_LOG=error"}).read.log, log_level::error);
    EXPECT_EQ(read_with({"SCRATCH_LOG=warn"}).read.log, log_level::warn);
    EXPECT_EQ(read_with({"SCRATCH_LOG=info"}).read.log, log_level::info);
    EXPECT_EQ(read_with({"SCRATCH_LOG=debug"}).read.log, log_level::debug);
    EXPECT_STREQ(read_with({"SCRATCH_OUTPUT=/tmp/%e.%p.100%%"}).read.output, "/tmp/%e.%p.100%%");
}

TEST(configuration, takes_the_first_of_two_as_getenv_does) {
    EXPECT_EQ(read_with({"SCRATCH_MODE=off", "SCRATCH_MODE=adaptive"}).read.mode, run_mode::off);
}

TEST(configuration, reads_bytes_with_units) {
    const struct {
        const char *given;
        std::size_t bytes;
    } table[] = {
        {"SCRATCH_BUDGET=0070000", 70000},
        {"SCRATCH_BUDGET=65536", 65536},
        {"SCRATCH_BUDGET=64K", 65536},
        {"SCRATCH_BUDGET=64k", 65536},
        {"SCRATCH_BUDGET=64KiB", 65536},
        {"SCRATCH_BUDGET=3M", std::size_t{3} << 20},
        {"SCRATCH_BUDGET=3MiB", std::size_t{3} << 20},
        {"SCRATCH_BUDGET=2G", std::size_t{2} << 30},
        {"SCRATCH_BUDGET=2GiB", std::size_t{2} << 30},
        {"SCRATCH_BUDGET=9223372036854775807", 9223372036854775807u},
        {"SCRATCH_BUDGET=8589934591G", std::size_t{8589934591} << 30},
    };
    for (const auto &[given, bytes] : table) {
        const answer got = read_with({given});
        EXPECT_EQ(got.read.budget, bytes) << given;
        EXPECT_EQ(got.warnings, "") << given;
    }
}

TEST(configuration, refuses_what_is_no_number_of_bytes) {
    for (const char *given :
         {"SCRATCH_BUDGET=", "SCRATCH_BUDGET=K", "SCRATCH_BUDGET=-1", "SCRATCH_BUDGET=+1",
          "SCRATCH_BUDGET= 1", "SCRATCH_BUDGET=1 ", "SCRATCH_BUDGET=1T", "SCRATCH_BUDGET=1KB",
          "SCRATCH_BUDGET=1Ki", "SCRATCH_BUDGET=1KiBs", "SCRATCH_BUDGET=1.5M",
          "SCRATCH_BUDGET=0x10", "SCRATCH_BUDGET=8MM", "SCRATCH_BUDGET=1e6", "SCRATCH_BUDGET=1,000",
          "SCRATCH_BUDGET=1\n", "SCRATCH_BUDGET=1+", "SCRATCH_BUDGET=1`", "SCRATCH_BUDGET=1\xcb"}) {
        const answer got = read_with({given});
        EXPECT_EQ(got.read.budget, std::size_t{8} << 20) << given;
        EXPECT_EQ(lines(got.warnings), 1) << given;
        EXPECT_NE(got.warnings.find("is not a number of bytes"), std::string::npos) << got.warnings;
        EXPECT_NE(got.warnings.find("8M is used"), std::string::npos) << got.warnings;
    }
}

TEST(configuration, refuses_budgets_that_hold_no_block) {
    for (const char *given : {"SCRATCH_BUDGET=0", "SCRATCH_BUDGET=0G", "SCRATCH_BUDGET=1",
                              "SCRATCH_BUDGET=63K", "SCRATCH_BUDGET=65535"}) {
        const answer got = read_with({given});
        EXPECT_EQ(got.read.budget, std::size_t{8} << 20) << given;
        EXPECT_EQ(lines(got.warnings), 1) << given;
        EXPECT_NE(got.warnings.find("less than one chunk"), std::string::npos) << got.warnings;
        EXPECT_NE(got.warnings.find("no less than 64K"), std::string::npos) << got.warnings;
        EXPECT_NE(got.warnings.find("8M is used"), std::string::npos) << got.warnings;
    }
}

TEST(configuration, takes_a_pattern_that_names_no_file_from_the_children) {
    for (const char *given : {"SCRATCH_OUTPUT=", "SCRATCH_OUTPUT=/tmp/%x", "SCRATCH_OUTPUT=%"}) {
        environment_of environment({"A=1", given, "SCRATCH_OUTPUT=%y", "SCRATCH_OUTPUTS=%y", "B="});
        const child_outcome told = in_child([&] {
            read_configuration(environment.get());
            std::string rest;
            for (char **entry = environment.get(); *entry != nullptr; ++entry)
                rest += *entry + std::string(" ");
            return rest == "A=1 SCRATCH_OUTPUTS=%y B= " ? 0 : 1;
        });
        EXPECT_TRUE(told.exited_with(0)) << given;
        EXPECT_EQ(lines(told.standard_error), 1) << told.standard_error;
    }
    environment_of good({"SCRATCH_OUTPUT=/tmp/%e"});
    read_configuration(good.get());
    EXPECT_STREQ(good.get()[0], "SCRATCH_OUTPUT=/tmp/%e");
}

TEST(configuration, refuses_numbers_that_no_process_can_hold) {
    for (const char *given :
         {"SCRATCH_BUDGET=9223372036854775808", "SCRATCH_BUDGET=18446744073709551615",
          "SCRATCH_BUDGET=18446744073709551616", "SCRATCH_BUDGET=20000000000000000000",
          "SCRATCH_BUDGET=99999999999999999999999999", "SCRATCH_BUDGET=8589934592G",
          "SCRATCH_BUDGET=17179869184G", "SCRATCH_BUDGET=18014398509481985K"}) {
        const answer got = read_with({given});
        EXPECT_EQ(got.read.budget, std::size_t{8} << 20) << given;
        EXPECT_EQ(lines(got.warnings), 1) << given;
        EXPECT_NE(got.warnings.find("more than a process can hold"), std::string::npos)
            << got.warnings;
    }
}

TEST(configuration, answers_a_wrong_word_with_one_sentence) {
    const struct {
        const char *given;
        const char *said;
    } table[] = {
        {"SCRATCH_MODE=fast", "scratch: SCRATCH_MODE=\"fast\" is not known (accepted: off, scoped, "
                              "adaptive or check); the default scoped is used\n"},
        {"SCRATCH_MODE=",
         "scratch: SCRATCH_MODE=\"\" is not known (accepted: off, scoped, adaptive or check); "
         "the default scoped is used\n"},
        {"SCRATCH_MODE=Off", "scratch: SCRATCH_MODE=\"Off\" is not known (accepted: off, scoped, "
                             "adaptive or check); the default scoped is used\n"},
        {"SCRATCH_STATS=yes",
         "scratch: SCRATCH_STATS=\"yes\" is not known (accepted: 0, 1 or json); "
         "the default 0 is used\n"},
        {"SCRATCH_FOLLOW=2", "scratch: SCRATCH_FOLLOW=\"2\" is not known (accepted: 0 or 1); "
                             "the default 1 is used\n"},
        {"SCRATCH_LOG=loud",
         "scratch: SCRATCH_LOG=\"loud\" is not known (accepted: off, error, warn, "
         "info or debug); the default warn is used\n"},
    };
    for (const auto &[given, said] : table)
        EXPECT_EQ(read_with({given}).warnings, said);
}

TEST(configuration, says_which_modes_are_not_built_yet) {
    for (const char *mode : {"profile", "record"}) {
        const std::string entry = std::string("SCRATCH_MODE=") + mode;
        const answer got = read_with({entry.c_str()});
        EXPECT_EQ(got.read.mode, run_mode::scoped);
        EXPECT_EQ(got.warnings,
                  "scratch: " + std::string("SCRATCH_MODE=\"") + mode +
                      "\" is not built yet (accepted now: off, scoped, adaptive or check); "
                      "the default scoped is used\n");
    }
}

TEST(configuration, warns_of_profile_and_rules_only_where_they_would_be_needed) {
    EXPECT_EQ(read_with({"SCRATCH_MODE=adaptive", "SCRATCH_PROFILE=p"}).warnings, "");
    EXPECT_EQ(read_with({"SCRATCH_MODE=off", "SCRATCH_RULES=r"}).warnings, "");
    EXPECT_EQ(read_with({"SCRATCH_RULES=r"}).warnings,
              "scratch: SCRATCH_RULES=\"r\" is not used: rules are read by `scratch run` and "
              "`scratch env`, and this program was started without them\n");
    const std::string hooks = "LD_PRELOAD=/a.so:/cache/hooks-" + std::string(64, '0') + ".so /b.so";
    EXPECT_EQ(read_with({"SCRATCH_RULES=r", hooks.c_str()}).warnings, "");
    EXPECT_NE(read_with({"SCRATCH_RULES=r", "LD_PRELOAD=/a.so:/b.so"}).warnings, "");
    EXPECT_EQ(read_with({"SCRATCH_RULES="}).warnings, "");
    const answer both = read_with({"SCRATCH_MODE=profile", "SCRATCH_PROFILE=p"});
    EXPECT_EQ(lines(both.warnings), 2);
    EXPECT_NE(both.warnings.find("SCRATCH_PROFILE=\"p\" is not used"), std::string::npos);
}

TEST(configuration, refuses_patterns_of_output_that_mean_nothing) {
    for (const char *given :
         {"SCRATCH_OUTPUT=", "SCRATCH_OUTPUT=a%", "SCRATCH_OUTPUT=%x", "SCRATCH_OUTPUT=%%%"}) {
        const answer got = read_with({given});
        EXPECT_EQ(got.read.output, nullptr) << given;
        EXPECT_EQ(lines(got.warnings), 1) << given;
        EXPECT_NE(got.warnings.find("no file is written"), std::string::npos) << got.warnings;
    }
}

TEST(configuration, gives_one_warning_for_each_wrong_value_and_uses_the_right_ones) {
    const answer got = read_with({"SCRATCH_MODE=x", "SCRATCH_BUDGET=x", "SCRATCH_STATS=json",
                                  "SCRATCH_LOG=x", "SCRATCH_FOLLOW=x", "SCRATCH_OUTPUT=%x"});
    EXPECT_EQ(lines(got.warnings), 5);
    EXPECT_EQ(got.read.statistics, statistics_format::json);
}

TEST(configuration, is_silent_where_the_log_is_asked_to_be) {
    EXPECT_EQ(read_with({"SCRATCH_LOG=off", "SCRATCH_MODE=x", "SCRATCH_BUDGET=x"}).warnings, "");
    EXPECT_EQ(read_with({"SCRATCH_MODE=x", "SCRATCH_LOG=error"}).warnings, "");
}

TEST(configuration, keeps_a_hostile_value_from_breaking_the_line) {
    const std::string entry = "SCRATCH_MODE=a\nb\x1b[31m%s%n\xff" + std::string(100'000, 'x');
    const answer got = read_with({entry.c_str()});
    EXPECT_EQ(lines(got.warnings), 1);
    EXPECT_LT(got.warnings.size(), 400u);
    EXPECT_NE(got.warnings.find("a\\x0ab\\x1b[31m%s%n\\xff"), std::string::npos) << got.warnings;
    EXPECT_NE(got.warnings.find("...\" is not known"), std::string::npos) << got.warnings;
    EXPECT_NE(got.warnings.find("scoped is used"), std::string::npos) << got.warnings;
}

TEST(configuration, leaves_excluded_programs_alone) {
    const std::string path = "SCRATCH_EXCLUDE=" + std::string([] {
                                 static char link[4096];
                                 EXPECT_GT(readlink("/proc/self/exe", link, sizeof link - 1), 0);
                                 return link;
                             }());
    const std::string name = path.substr(path.rfind('/') + 1);
    const auto mode_with = [&](const std::string &list) {
        const std::string entry = "SCRATCH_EXCLUDE=" + list;
        const answer got = read_with({entry.c_str(), "SCRATCH_MODE=adaptive", "SCRATCH_STATS=1",
                                      "SCRATCH_OUTPUT=/tmp/never"});
        EXPECT_EQ(got.warnings, "");
        const bool off = got.read.mode == run_mode::off;
        EXPECT_EQ(got.read.statistics, off ? statistics_format::none : statistics_format::text);
        EXPECT_EQ(got.read.output == nullptr, off);
        return got.read.mode;
    };
    EXPECT_EQ(mode_with(name), run_mode::off);
    EXPECT_EQ(mode_with("gcc," + name), run_mode::off);
    EXPECT_EQ(mode_with(name + ":gcc"), run_mode::off);
    EXPECT_EQ(mode_with("sh  " + name + ", gcc"), run_mode::off);
    EXPECT_EQ(mode_with(path.substr(path.find('/'))), run_mode::off);
    EXPECT_EQ(mode_with(""), run_mode::adaptive);
    EXPECT_EQ(mode_with(" ,:"), run_mode::adaptive);
    EXPECT_EQ(mode_with(name + "x"), run_mode::adaptive);
    EXPECT_EQ(mode_with(name.substr(1)), run_mode::adaptive);
    EXPECT_EQ(mode_with("/elsewhere/" + name), run_mode::adaptive);
}

TEST(configuration, excludes_by_the_name_that_a_program_was_started_by) {
    char *const saved = program_invocation_name;
    char other[] = "/bin/another-name";
    program_invocation_name = other;
    EXPECT_EQ(read_with({"SCRATCH_EXCLUDE=another-name"}).read.mode, run_mode::off);
    program_invocation_name = saved;
    EXPECT_EQ(read_with({"SCRATCH_EXCLUDE=another-name"}).read.mode, run_mode::scoped);
}

TEST(configuration, excludes_a_program_whose_file_was_replaced_while_it_runs) {
    // A copy of this program runs this test again, by another name, and removes its own file.
    if (const char *copy = std::getenv("SCRATCH_TEST_COPY")) {
        ASSERT_EQ(unlink(copy), 0);
        EXPECT_EQ(read_with({"SCRATCH_EXCLUDE=replaced"}).read.mode, run_mode::off);
        return;
    }
    scratch_folder folder;
    const std::string copy = folder.path + "/replaced";
    ASSERT_EQ(system(("cp /proc/" + std::to_string(getpid()) + "/exe " + copy).c_str()), 0);
    EXPECT_TRUE(in_child([&] {
                    setenv("SCRATCH_TEST_COPY", copy.c_str(), 1);
                    execl(copy.c_str(), "another", "--gtest_filter=*file_was_replaced*", nullptr);
                    return 1;
                }).exited_with(0));
}

TEST(configuration, needs_neither_memory_nor_descriptors) {
    const child_outcome outcome = in_child([] {
        environment_of environment{"SCRATCH_MODE=x", "SCRATCH_EXCLUDE=y"};
        const rlimit none{0, 0};
        setrlimit(RLIMIT_DATA, &none);
        setrlimit(RLIMIT_NOFILE, &none);
        return read_configuration(environment.get()).mode == run_mode::scoped ? 0 : 1;
    });
    EXPECT_TRUE(outcome.exited_with(0));
    EXPECT_EQ(lines(outcome.standard_error), 1);
}
