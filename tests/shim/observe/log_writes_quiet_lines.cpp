// Promise: one message is one line in one write to standard error, by level, and neither the
// program's errno nor its signals, threads or terminal notice.
#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/log.hpp"
#include "shim/observe/standard_error.hpp"
#include "tests/shim/observe/child.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>

using namespace scratch::shim;

namespace {

void log_at_every_level() {
    log(log_level::error, "e%d", 1);
    log(log_level::warn, "w%.1f", 2.5);
    log(log_level::info, "i%s", "3");
    log(log_level::debug, "d");
    log(log_level::off, "never");
}

std::string logged_at(log_level level) {
    return in_child([&] { return set_log_level(level), log_at_every_level(), 0; }).standard_error;
}

} // namespace

TEST(log, writes_what_its_level_lets_through) {
    EXPECT_EQ(in_child([] { return log_at_every_level(), 0; }).standard_error, "");
    EXPECT_EQ(logged_at(log_level::off), "");
    EXPECT_EQ(logged_at(log_level::error), "scratch: e1\n");
    EXPECT_EQ(logged_at(log_level::warn), "scratch: e1\nscratch: w2.5\n");
    EXPECT_EQ(logged_at(log_level::info), "scratch: e1\nscratch: w2.5\nscratch: info: i3\n");
    EXPECT_EQ(logged_at(log_level::debug),
              "scratch: e1\nscratch: w2.5\nscratch: info: i3\nscratch: debug: d\n");
}

TEST(log, can_change_its_level) {
    EXPECT_EQ(in_child([] {
                  set_log_level(log_level::error);
                  log(log_level::info, "a");
                  set_log_level(log_level::info);
                  log(log_level::info, "b");
                  set_log_level(log_level::off);
                  log(log_level::error, "c");
                  return 0;
              }).standard_error,
              "scratch: info: b\n");
}

TEST(log, cuts_what_is_too_long_and_ends_the_line) {
    const std::string longer(5000, 'x');
    for (const bool raw : {false, true}) {
        const std::string line = in_child([&] {
                                     set_log_level(log_level::warn);
                                     if (raw)
                                         log_raw("%s", longer.c_str());
                                     else
                                         log(log_level::warn, "%s", longer.c_str());
                                     return 0;
                                 }).standard_error;
        EXPECT_GT(line.size(), 1000u);
        EXPECT_LT(line.size(), 1100u);
        EXPECT_EQ(line.substr(0, 10), "scratch: x");
        EXPECT_EQ(line.substr(line.size() - 2), "x\n");
    }
}

TEST(log, is_one_write_a_line_and_keeps_errno) {
    const child_outcome outcome = in_child([] {
        int ends[2];
        if (pipe2(ends, O_DIRECT) != 0) return 2;
        dup2(ends[1], STDERR_FILENO);
        set_log_level(log_level::warn);
        errno = 4711;
        log(log_level::warn, "a %d", 1);
        log_raw("b %d", 2);
        if (errno != 4711) return 3;
        char text[100];
        const auto packet = [&] {
            return std::string(text, static_cast<std::size_t>(read(ends[0], text, 100)));
        };
        return packet() == "scratch: a 1\n" && packet() == "scratch: b 2\n" ? 0 : 4;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(log, keeps_errno_where_a_message_cannot_be_formatted) {
    EXPECT_TRUE(in_child([] {
                    set_log_level(log_level::warn);
                    const wchar_t impossible[] = {static_cast<wchar_t>(0x7fffffff), 0};
                    errno = 4711;
                    log(log_level::warn, "%ls", impossible);
                    return errno == 4711 ? 0 : 1;
                }).exited_with(0));
}

TEST(log, keeps_errno_where_nothing_can_be_written) {
    EXPECT_TRUE(in_child([] {
                    close(STDERR_FILENO);
                    set_log_level(log_level::warn);
                    errno = 4711;
                    log(log_level::warn, "a");
                    log_raw("b");
                    return errno == 4711 ? 0 : 1;
                }).exited_with(0));
}

TEST(log, does_not_write_into_what_replaced_standard_error) {
    const child_outcome outcome = in_child([] {
        set_log_level(log_level::warn);
        remember_standard_error();
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) != 0) return 2;
        dup2(ends[1], STDERR_FILENO);
        log(log_level::warn, "a");
        char byte;
        return read(ends[0], &byte, 1) == -1 && errno == EAGAIN ? 0 : 3;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(log, costs_no_signal_where_nobody_reads) {
    const child_outcome outcome = in_child([] {
        int ends[2];
        if (pipe(ends) != 0) return 2;
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        set_log_level(log_level::warn);
        log(log_level::warn, "a");
        log_raw("b");
        return 0;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(log, is_no_cancellation_point) {
    const child_outcome outcome = in_child([] {
        set_log_level(log_level::warn);
        pthread_t thread;
        pthread_create(
            &thread, nullptr,
            [](void *) -> void * {
                pthread_cancel(pthread_self());
                log_raw("a");
                log(log_level::warn, "b");
                pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
                return reinterpret_cast<void *>(42);
            },
            nullptr);
        void *result = nullptr;
        pthread_join(thread, &result);
        return result == reinterpret_cast<void *>(42) ? 0 : 1;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
    EXPECT_EQ(outcome.standard_error, "scratch: a\nscratch: b\n");
}

TEST(log, does_not_stop_a_background_job_of_a_terminal_that_stops_those) {
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        GTEST_SKIP() << "SKIPPED: no pseudo-terminal is to be had";
    const std::string name = ptsname(master);
    const child_outcome outcome = in_child([&] {
        setsid();
        const int terminal = open(name.c_str(), O_RDWR);
        ioctl(terminal, TIOCSCTTY, 0);
        termios settings{};
        tcgetattr(terminal, &settings);
        settings.c_lflag |= TOSTOP;
        tcsetattr(terminal, TCSANOW, &settings);
        const pid_t job = fork();
        if (job == 0) {
            setpgid(0, 0); // not the terminal's foreground group
            dup2(terminal, STDERR_FILENO);
            log_raw("from the background");
            _exit(0);
        }
        int status = 0;
        waitpid(job, &status, WUNTRACED);
        if (WIFSTOPPED(status)) kill(job, SIGKILL);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
    });
    close(master);
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}
