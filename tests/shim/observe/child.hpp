// Runs a piece of a test in a forked child and tells how it ended and what it wrote to standard
// error: what is tested here keeps its state for the life of a process, and some of it would end
// the process if it were wrong.
#pragma once

#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

struct child_outcome {
    int status = 0;
    std::string standard_error;

    bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
};

inline std::string read_all(int descriptor) {
    std::string text;
    char part[4096];
    for (ssize_t size; (size = read(descriptor, part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(size));
    return text;
}

// The child ends with what `body` returns; 0 is good.
inline child_outcome in_child(const std::function<int()> &body) {
    int ends[2];
    if (pipe(ends) != 0) abort();
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        _exit(body());
    }
    close(ends[1]);
    child_outcome outcome;
    outcome.standard_error = read_all(ends[0]);
    close(ends[0]);
    waitpid(child, &outcome.status, 0);
    return outcome;
}

// A vector of "NAME=value" strings that can be changed in place, as a program's environment.
class environment_of {
public:
    environment_of(std::initializer_list<const char *> entries) {
        for (const char *entry : entries)
            strings_.emplace_back(entry);
        for (std::string &string : strings_)
            pointers_.push_back(string.data());
        pointers_.push_back(nullptr);
    }
    char **get() { return pointers_.data(); }

private:
    std::vector<std::string> strings_;
    std::vector<char *> pointers_;
};

// A folder of its own, removed with its files at the end of the test.
class scratch_folder {
public:
    scratch_folder() {
        char name[] = "/tmp/scratch-test-XXXXXX";
        path = mkdtemp(name);
    }
    ~scratch_folder() {
        if (system(("rm -rf " + path).c_str()) != 0) abort();
    }
    std::string path;
};
