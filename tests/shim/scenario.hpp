// A scenario is a small program inside a test's executable. The test runs without the shim and
// starts itself again with the shim preloaded to run one scenario in a process of its own, whose
// end, output and statistics it then looks at.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

#include "system.hpp"

using scenario_body = int (*)();

struct scenario {
    scenario(const char *name, scenario_body body);
    const char *name;
};

// Defines a scenario: its body returns the exit status.
#define SCENARIO(name)                                                                             \
    static int body_of_##name();                                                                   \
    static const scenario name(#name, body_of_##name);                                             \
    static int body_of_##name()

// In a scenario: tells what was not so on standard error and ends the process with status 99.
// Allocates nothing.
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) requirement_failed(__FILE__, __LINE__, #condition);                      \
    } while (false)
[[noreturn]] void requirement_failed(const char *file, int line, const char *condition);

struct conditions {
    std::string mode = "scoped";
    std::vector<std::string> environment = {}; // further NAME=value
    bool preload = true;
    bool statistics = true;  // asks for JSON in a file of its own for each process
    unsigned seconds = 60;   // then it is killed: a deadlock is a failure, not a hang
    int limit_resource = -1; // RLIMIT_...: set to limit_bytes before the program starts
    std::size_t limit_bytes = 0;
    std::string program = ""; // instead of a scenario of this executable
    std::vector<std::string> arguments = {};
};

struct outcome {
    int status = 0;
    std::string output;
    std::string error;
    pid_t process = 0;
    std::map<pid_t, std::string> reports; // JSON, of each process that ended by exit

    bool exited_with(int code) const;
    bool killed_by(int signal) const;
    // A number of the first process's report; fails the test where there is none.
    std::uint64_t count(const char *name) const;
    std::uint64_t count(const char *name, pid_t of) const;
    // How it ended, and what it wrote, for messages.
    std::string describe() const;
};

outcome run(const scenario &wanted, const conditions &under = {});
outcome run_program(const conditions &under);
