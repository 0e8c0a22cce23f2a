// Promise: the counters of a process can be read in a file while it runs, the file is gone after a
// normal end, and making it changes nothing that the program could notice.
#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/counters.hpp"
#include "tests/shim/observe/child.hpp"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

using namespace scratch::shim;

namespace {

// Ends a child with the line of what was not so.
#define CHECK_OR_LEAVE(condition)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            dprintf(STDERR_FILENO, "line %d: %s\n", __LINE__, #condition);                         \
            return 1;                                                                              \
        }                                                                                          \
    } while (false)

#define EXPECT_GOOD(outcome) EXPECT_TRUE((outcome).exited_with(0)) << (outcome).standard_error

std::string default_name(const std::string &folder) {
    return folder + "/scratch-" + std::to_string(geteuid()) + "-" + std::to_string(getpid());
}

bool exists(const std::string &path) {
    struct stat status;
    return lstat(path.c_str(), &status) == 0;
}

std::string content_of(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// What another process would read.
struct seen {
    bool valid;
    std::uint32_t pid;
    std::uint64_t scratch_calls;
};
seen see(const std::string &path) {
    const std::string bytes = content_of(path);
    if (bytes.size() != 4096) return {};
    static process_counters words;
    std::memcpy(static_cast<void *>(&words), bytes.data(), sizeof words);
    return {words.magic == counters_magic && words.version == counters_version, words.pid,
            words.scratch_calls.load()};
}

class counters_file : public testing::Test {
protected:
    scratch_folder folder;
    std::string runtime = "XDG_RUNTIME_DIR=" + folder.path;
    configuration options;

    void open_in_folder(bool fresh = false) {
        environment_of environment{runtime.c_str()};
        open_counters(options, environment.get(), fresh);
    }
};

int open_descriptors() {
    int count = 0;
    DIR *list = opendir("/proc/self/fd");
    while (readdir(list) != nullptr)
        ++count;
    closedir(list);
    return count;
}

} // namespace

TEST_F(counters_file, holds_what_was_counted_before_and_what_comes_after) {
    EXPECT_GOOD(in_child([&] {
        counters().scratch_calls = 5;
        counters().stood_aside = 2;
        open_in_folder();
        CHECK_OR_LEAVE(see(default_name(folder.path)).valid);
        CHECK_OR_LEAVE(see(default_name(folder.path)).pid == static_cast<std::uint32_t>(getpid()));
        CHECK_OR_LEAVE(see(default_name(folder.path)).scratch_calls == 5);
        CHECK_OR_LEAVE(counters().stood_aside == 2);
        counters().scratch_calls += 2;
        CHECK_OR_LEAVE(see(default_name(folder.path)).scratch_calls == 7);
        CHECK_OR_LEAVE(strlen(counters().program) > 0);
        close_counters();
        CHECK_OR_LEAVE(!exists(default_name(folder.path)));
        counters().scratch_calls += 1; // a thread that runs on
        return 0;
    }));
}

TEST_F(counters_file, belongs_to_the_user_alone) {
    EXPECT_GOOD(in_child([&] {
        open_in_folder();
        struct stat status;
        CHECK_OR_LEAVE(lstat(default_name(folder.path).c_str(), &status) == 0);
        CHECK_OR_LEAVE((status.st_mode & 07777) == 0600);
        close_counters();
        return 0;
    }));
}

TEST_F(counters_file, falls_back_to_shared_memory) {
    for (const std::string &bad :
         {std::string("XDG_RUNTIME_DIR=/nowhere"), std::string("XDG_RUNTIME_DIR="),
          std::string("XDG_RUNTIME_DIR=relative"), std::string("OTHER=1")}) {
        EXPECT_GOOD(in_child([&] {
            environment_of environment{bad.c_str()};
            open_counters(options, environment.get(), false);
            CHECK_OR_LEAVE(see(default_name("/dev/shm")).valid);
            close_counters();
            CHECK_OR_LEAVE(!exists(default_name("/dev/shm")));
            return 0;
        })) << bad;
    }
}

TEST_F(counters_file, does_not_go_into_a_relative_folder) {
    EXPECT_GOOD(in_child([&] {
        CHECK_OR_LEAVE(chdir(folder.path.c_str()) == 0);
        environment_of environment{"XDG_RUNTIME_DIR=."};
        open_counters(options, environment.get(), false);
        CHECK_OR_LEAVE(!exists(default_name(folder.path)));
        close_counters();
        return 0;
    }));
}

TEST_F(counters_file, does_not_go_into_the_folder_of_another_user) {
    if (geteuid() != 0) GTEST_SKIP() << "SKIPPED: needs root to give a folder away";
    ASSERT_EQ(chown(folder.path.c_str(), 65534, 65534), 0);
    EXPECT_GOOD(in_child([&] {
        open_in_folder();
        CHECK_OR_LEAVE(!exists(default_name(folder.path)));
        close_counters();
        return 0;
    }));
}

TEST_F(counters_file, leaves_descriptors_and_errno_as_they_were) {
    EXPECT_GOOD(in_child([&] {
        const int before = open_descriptors();
        const int next = dup(0);
        close(next);
        errno = 4711;
        open_in_folder();
        CHECK_OR_LEAVE(errno == 4711);
        CHECK_OR_LEAVE(open_descriptors() == before);
        CHECK_OR_LEAVE(dup(0) == next);
        close_counters();
        CHECK_OR_LEAVE(errno == 4711);
        return 0;
    }));
}

TEST_F(counters_file, replaces_the_stale_file_of_its_number) {
    EXPECT_GOOD(in_child([&] {
        std::ofstream(default_name(folder.path)) << "of a process that died";
        open_in_folder();
        CHECK_OR_LEAVE(see(default_name(folder.path)).valid);
        close_counters();
        return 0;
    }));
}

TEST_F(counters_file, follows_no_link_and_breaks_nothing_that_is_in_the_way) {
    EXPECT_GOOD(in_child([&] {
        const std::string victim = folder.path + "/victim";
        std::ofstream(victim) << "precious";
        CHECK_OR_LEAVE(symlink(victim.c_str(), default_name(folder.path).c_str()) == 0);
        open_in_folder();
        CHECK_OR_LEAVE(content_of(victim) == "precious");
        counters().scratch_calls = 3;
        CHECK_OR_LEAVE(counters().scratch_calls == 3);
        close_counters();
        CHECK_OR_LEAVE(exists(default_name(folder.path)));
        return 0;
    }));
    EXPECT_GOOD(in_child([&] {
        CHECK_OR_LEAVE(mkdir(default_name(folder.path).c_str(), 0700) == 0);
        open_in_folder();
        counters().scratch_calls = 3;
        close_counters();
        CHECK_OR_LEAVE(exists(default_name(folder.path)));
        return 0;
    }));
    EXPECT_GOOD(in_child([&] {
        CHECK_OR_LEAVE(mkfifo(default_name(folder.path).c_str(), 0600) == 0);
        const std::string name = default_name(folder.path);
        options.output = name.c_str();
        open_in_folder(); // must not wait for a reader
        close_counters();
        CHECK_OR_LEAVE(exists(name));
        return 0;
    }));
}

TEST_F(counters_file, does_without_a_descriptor) {
    EXPECT_GOOD(in_child([&] {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_NOFILE, &none);
        open_in_folder();
        counters().scratch_calls += 3;
        CHECK_OR_LEAVE(counters().scratch_calls == 3);
        close_counters();
        return 0;
    }));
}

TEST_F(counters_file, does_without_memory_for_a_mapping) {
    EXPECT_GOOD(in_child([&] {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_AS, &none);
        open_in_folder();
        counters().scratch_calls += 3;
        CHECK_OR_LEAVE(counters().scratch_calls == 3);
        CHECK_OR_LEAVE(!exists(default_name(folder.path)));
        return 0;
    }));
}

TEST_F(counters_file, is_not_killed_by_a_limit_on_file_sizes) {
    for (const rlim_t limit : {rlim_t{0}, rlim_t{1000}, rlim_t{4095}}) {
        EXPECT_GOOD(in_child([&] {
            const rlimit small{limit, limit};
            setrlimit(RLIMIT_FSIZE, &small);
            open_in_folder();
            counters().scratch_calls += 3;
            CHECK_OR_LEAVE(!exists(default_name(folder.path)));
            sigset_t pending;
            sigpending(&pending);
            CHECK_OR_LEAVE(sigismember(&pending, SIGXFSZ) == 0);
            return 0;
        })) << limit;
    }
    EXPECT_GOOD(in_child([&] {
        const rlimit enough{4096, 4096};
        setrlimit(RLIMIT_FSIZE, &enough);
        open_in_folder();
        CHECK_OR_LEAVE(see(default_name(folder.path)).valid);
        close_counters();
        return 0;
    }));
}

TEST_F(counters_file, keeps_a_signal_that_was_pending_for_the_program) {
    EXPECT_GOOD(in_child([&] {
        sigset_t mine;
        sigemptyset(&mine);
        sigaddset(&mine, SIGXFSZ);
        sigprocmask(SIG_BLOCK, &mine, nullptr);
        raise(SIGXFSZ);
        open_in_folder();
        sigset_t now;
        sigpending(&now);
        CHECK_OR_LEAVE(sigismember(&now, SIGXFSZ) == 1);
        sigprocmask(SIG_BLOCK, nullptr, &now);
        CHECK_OR_LEAVE(sigismember(&now, SIGXFSZ) == 1);
        CHECK_OR_LEAVE(sigismember(&now, SIGPIPE) == 0);
        close_counters();
        return 0;
    }));
}

TEST_F(counters_file, of_a_forked_child_is_its_own) {
    EXPECT_GOOD(in_child([&] {
        counters().scratch_calls = 50; // before the mapping
        open_in_folder();
        process_counters &words = counters();
        words.scratch_calls = 100;
        const std::string parents = default_name(folder.path);
        const child_outcome inner = in_child([&] {
            open_in_folder(true);
            CHECK_OR_LEAVE(&counters() == &words);
            CHECK_OR_LEAVE(words.scratch_calls == 0);
            words.scratch_calls = 7;
            CHECK_OR_LEAVE(see(default_name(folder.path)).scratch_calls == 7);
            CHECK_OR_LEAVE(see(default_name(folder.path)).pid ==
                           static_cast<std::uint32_t>(getpid()));
            CHECK_OR_LEAVE(see(parents).scratch_calls == 100);
            close_counters();
            CHECK_OR_LEAVE(!exists(default_name(folder.path)));
            return 0;
        });
        CHECK_OR_LEAVE(inner.exited_with(0));
        CHECK_OR_LEAVE(words.scratch_calls == 100);
        CHECK_OR_LEAVE(see(parents).scratch_calls == 100);
        close_counters();
        CHECK_OR_LEAVE(!exists(parents));
        return 0;
    }));
}

TEST_F(counters_file, of_the_parent_survives_a_child_that_fails_or_never_asks) {
    EXPECT_GOOD(in_child([&] {
        open_in_folder();
        process_counters &words = counters();
        words.scratch_calls = 100;
        const std::string parents = default_name(folder.path);
        CHECK_OR_LEAVE(
            in_child([&] { return close_counters(), exists(parents) ? 0 : 1; }).exited_with(0));
        const child_outcome inner = in_child([&] {
            const rlimit none{0, 0};
            setrlimit(RLIMIT_NOFILE, &none);
            open_in_folder(true);
            CHECK_OR_LEAVE(words.scratch_calls == 0);
            words.scratch_calls = 9;
            CHECK_OR_LEAVE(counters().scratch_calls == 9);
            CHECK_OR_LEAVE(counters().pid == static_cast<std::uint32_t>(getpid()));
            close_counters();
            return 0;
        });
        CHECK_OR_LEAVE(inner.exited_with(0));
        CHECK_OR_LEAVE(see(parents).scratch_calls == 100);
        close_counters();
        return 0;
    }));
}

TEST_F(counters_file, is_not_removed_where_its_name_is_anothers_now) {
    EXPECT_GOOD(in_child([&] {
        open_in_folder();
        const std::string name = default_name(folder.path);
        unlink(name.c_str());
        std::ofstream(name) << "another's";
        close_counters();
        CHECK_OR_LEAVE(content_of(name) == "another's");
        return 0;
    }));
}

TEST_F(counters_file, of_the_dead_are_swept_and_nothing_else) {
    const pid_t dead = fork();
    if (dead == 0) _exit(0);
    waitpid(dead, nullptr, 0);
    const std::string user = std::to_string(geteuid());
    const std::string gone = folder.path + "/scratch-" + user + "-" + std::to_string(dead);
    const std::string kept[] = {
        folder.path + "/scratch-" + user + "-" + std::to_string(getpid()),
        folder.path + "/scratch-" + user + "-1",
        folder.path + "/scratch-" + user + "-",
        folder.path + "/scratch-" + user + "-" + std::to_string(dead) + "x",
        folder.path + "/scratch-" + user + "-99999999999",
        folder.path + "/scratch-" + user + "9-" + std::to_string(dead),
        folder.path + "/other-" + user + "-" + std::to_string(dead),
    };
    for (const std::string &name : kept)
        std::ofstream(name) << "x";
    std::ofstream(gone) << "x";
    // A sixteenth of all processes sweeps.
    for (int i = 0; i < 1000 && exists(gone); ++i)
        EXPECT_GOOD(in_child([&] { return open_in_folder(), close_counters(), 0; }));
    EXPECT_FALSE(exists(gone));
    for (const std::string &name : kept)
        EXPECT_TRUE(exists(name)) << name;
}

TEST_F(counters_file, of_processes_that_never_end_normally_stay_few) {
    for (int i = 0; i < 1000; ++i)
        in_child([&] { return open_in_folder(), 0; });
    int left = 0;
    DIR *list = opendir(folder.path.c_str());
    while (readdir(list) != nullptr)
        ++left;
    closedir(list);
    EXPECT_LT(left, 200);
}
