// Promise: the file of SCRATCH_OUTPUT is named as asked, outlives every end of the process, and
// never costs a file that scratch did not write, nor the numbers of a process that still lives.
#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/counters.hpp"
#include "tests/shim/observe/child.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/stat.h>

using namespace scratch::shim;

namespace {

std::string content_of(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t calls_in(const std::string &path) {
    const std::string bytes = content_of(path);
    if (bytes.size() != 4096) return static_cast<std::uint64_t>(-1);
    static process_counters words;
    std::memcpy(static_cast<void *>(&words), bytes.data(), sizeof words);
    return words.magic == counters_magic ? words.scratch_calls.load()
                                         : static_cast<std::uint64_t>(-1);
}

class asked_file : public testing::Test {
protected:
    scratch_folder folder;
    configuration options;

    void open_at(const char *pattern, bool fresh = false) {
        options.output = pattern;
        open_counters(options, nullptr, fresh);
    }
};

} // namespace

TEST_F(asked_file, is_named_by_program_and_process) {
    const std::string pattern = folder.path + "/%e-%p-100%%";
    std::string name;
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    EXPECT_TRUE(
        in_child([&] {
            open_at(pattern.c_str());
            counters().scratch_calls = 3;
            close_counters();
            dprintf(ends[1], "%s/%s-%d-100%%", folder.path.c_str(), counters().program, getpid());
            return std::strcmp(asked_output_path(), (folder.path + "/" + counters().program + "-" +
                                                     std::to_string(getpid()) + "-100%")
                                                        .c_str());
        }).exited_with(0));
    close(ends[1]);
    EXPECT_EQ(calls_in(read_all(ends[0])), 3u);
    close(ends[0]);
}

TEST_F(asked_file, outlives_a_signal_and_an_exec) {
    const std::string path = folder.path + "/out";
    in_child([&] {
        open_at(path.c_str());
        counters().scratch_calls = 11;
        return raise(SIGKILL);
    });
    EXPECT_EQ(calls_in(path), 11u);
    const child_outcome outcome = in_child([&] {
        open_at(path.c_str()); // replaces the dead one's
        counters().scratch_calls = 12;
        execl("/bin/true", "true", nullptr);
        return 1;
    });
    EXPECT_TRUE(outcome.exited_with(0));
    EXPECT_EQ(calls_in(path), 12u);
}

TEST_F(asked_file, gets_company_where_its_process_lives) {
    const std::string path = folder.path + "/out";
    EXPECT_TRUE(in_child([&] {
                    open_at(path.c_str());
                    counters().scratch_calls = 1;
                    // A child, then what an exec would be: the same process opens for the first
                    // time again.
                    return in_child([&] {
                               open_at(path.c_str(), true);
                               counters().scratch_calls = 2;
                               open_at(path.c_str(), true);
                               counters().scratch_calls = 3;
                               return 0;
                           }).exited_with(0)
                               ? 0
                               : 1;
                }).exited_with(0));
    EXPECT_EQ(calls_in(path), 1u);
    EXPECT_EQ(calls_in(path + ".1"), 2u);
    EXPECT_EQ(calls_in(path + ".2"), 3u);
}

TEST_F(asked_file, replaces_what_scratch_wrote_and_nothing_else) {
    const std::string path = folder.path + "/out";
    for (const char *ours :
         {"", "scratch: true (process 1)", "{\"scratch\":1,\"program\":\"x\"}"}) {
        std::ofstream(path) << ours;
        EXPECT_TRUE(in_child([&] { return open_at(path.c_str()), 0; }).exited_with(0));
        EXPECT_EQ(calls_in(path), 0u) << ours;
    }
    for (const char *foreign : {"x", "root:x:0:0", "scratch", "{\"scratch", "{}"}) {
        std::ofstream(path) << foreign;
        const child_outcome outcome = in_child([&] {
            open_at(path.c_str());
            const bool none = asked_output_path() == nullptr;
            counters().scratch_calls = 1;
            close_counters();
            return none ? 0 : 1;
        });
        EXPECT_TRUE(outcome.exited_with(0));
        EXPECT_EQ(content_of(path), foreign);
        EXPECT_EQ(outcome.standard_error,
                  "scratch: SCRATCH_OUTPUT: no file \"" + path +
                      "\" (there is a file that scratch did not write); statistics go "
                      "to standard error\n");
    }
}

TEST_F(asked_file, follows_no_link) {
    const std::string victim = folder.path + "/victim";
    const std::string path = folder.path + "/out";
    std::ofstream(victim) << "scratch: an old report";
    ASSERT_EQ(symlink(victim.c_str(), path.c_str()), 0);
    EXPECT_TRUE(
        in_child([&] { return open_at(path.c_str()), close_counters(), 0; }).exited_with(0));
    EXPECT_EQ(content_of(victim), "scratch: an old report");
    struct stat status;
    ASSERT_EQ(lstat(path.c_str(), &status), 0);
    EXPECT_TRUE(S_ISLNK(status.st_mode));
}

TEST_F(asked_file, says_why_there_is_none) {
    const struct {
        std::string path;
        const char *why;
    } table[] = {
        {folder.path + "/no/such/folder", "there is no such folder"},
        {folder.path, "there is a file that scratch did not write"},
        {"/proc/self/status/x", "a part of the path is no folder"},
        {"/" + std::string(300, 'x'), "the name is too long"},
        {"/" + std::string(5000, '/') + "x", "the name is too long"},
    };
    for (const auto &one : table) {
        const std::string &path = one.path;
        const child_outcome outcome = in_child([&] {
            open_at(path.c_str());
            counters().scratch_calls = 1;
            close_counters();
            return 0;
        });
        EXPECT_TRUE(outcome.exited_with(0));
        EXPECT_NE(outcome.standard_error.find(one.why), std::string::npos)
            << outcome.standard_error;
        options.log = log_level::error;
        EXPECT_EQ(
            in_child([&] { return open_at(path.c_str()), close_counters(), 0; }).standard_error,
            "");
        options.log = log_level::warn;
    }
}

TEST_F(asked_file, is_missed_once_and_not_by_every_child) {
    const std::string folder_variable = "XDG_RUNTIME_DIR=" + folder.path;
    environment_of environment({folder_variable.c_str()});
    const auto open_with = [&](const char *pattern, bool fresh) {
        options.output = pattern;
        open_counters(options, environment.get(), fresh);
    };
    const std::string first = folder.path + "/no/such", second = folder.path + "/no/other";
    const auto warnings = [](const std::string &text) {
        return std::count(text.begin(), text.end(), '\n');
    };
    // A process with a child by fork, what an exec in it and in itself would be (in_child starts
    // from counters that were never opened), and one that asks for something else.
    const auto as_after_exec = [&](const char *pattern) {
        counters().refused_output = 0;
        open_with(pattern, true);
    };
    const child_outcome outcome = in_child([&] {
        open_with(first.c_str(), false);
        const child_outcome forked = in_child([&] { return open_with(first.c_str(), true), 0; });
        const child_outcome started = in_child([&] {
            as_after_exec(first.c_str());
            return in_child([&] { return as_after_exec(first.c_str()), 0; }).standard_error.empty()
                       ? 0
                       : 1;
        });
        const child_outcome other = in_child([&] { return as_after_exec(second.c_str()), 0; });
        as_after_exec(first.c_str());
        if (!forked.standard_error.empty()) return 1;
        if (!started.standard_error.empty() || !started.exited_with(0)) return 2;
        return warnings(other.standard_error) == 1 ? 0 : 3;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
    EXPECT_EQ(warnings(outcome.standard_error), 1) << outcome.standard_error;
}

TEST_F(asked_file, stays_where_it_is_when_the_program_changes_its_folder) {
    EXPECT_TRUE(in_child([&] {
                    if (chdir(folder.path.c_str()) != 0) return 1;
                    open_at("out");
                    return std::strcmp(asked_output_path(), (folder.path + "/out").c_str());
                }).exited_with(0));
}

TEST_F(asked_file, obeys_the_mask_of_the_user) {
    const std::string path = folder.path + "/out";
    in_child([&] { return umask(027), open_at(path.c_str()), 0; });
    struct stat status;
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0640u);
}
