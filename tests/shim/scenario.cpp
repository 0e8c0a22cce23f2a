#include "scenario.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <sstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace {

struct entry {
    const char *name;
    scenario_body body;
};

// Filled by constructors of other files, so not an object that has one itself.
entry entries[200];
std::size_t entry_count = 0;

class folder {
public:
    folder() {
        char name[] = "/tmp/scratch-test-XXXXXX";
        if (mkdtemp(name) == nullptr) abort();
        path_ = name;
    }
    ~folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string &path() const { return path_; }

private:
    std::string path_;
};

std::string contents(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

// What meson sets for tests would be a condition that nobody asked for: a search path in which
// everything is found, and libc touching all memory that it gets.
bool is_inherited(const std::string &entry) {
    for (const char *prefix : {"SCRATCH_", "LD_LIBRARY_PATH=", "MALLOC_PERTURB_="})
        if (entry.starts_with(prefix)) return false;
    return !entry.starts_with(std::string(preload_variable) + "=");
}

std::vector<std::string> environment_for(const conditions &under, const std::string &reports) {
    std::vector<std::string> result;
    for (char **at = environ; *at != nullptr; ++at)
        if (is_inherited(*at)) result.emplace_back(*at);
    if (under.preload) {
        const char *shim = std::getenv("SCRATCH_TEST_PRELOAD");
        if (shim == nullptr) abort();
        result.push_back(std::string(preload_variable) + "=" + shim);
        result.push_back("SCRATCH_MODE=" + under.mode);
        if (under.statistics) {
            result.emplace_back("SCRATCH_STATS=json");
            result.push_back("SCRATCH_OUTPUT=" + reports + "/%p");
        }
    }
    result.insert(result.end(), under.environment.begin(), under.environment.end());
    return result;
}

std::vector<char *> pointers(std::vector<std::string> &strings) {
    std::vector<char *> result;
    for (std::string &string : strings)
        result.push_back(string.data());
    result.push_back(nullptr);
    return result;
}

// No thread is there that could fork between the calls; macOS has no pipe2.
void make_pipe(int (&ends)[2]) {
    if (pipe(ends) != 0) abort();
    for (const int end : ends)
        if (fcntl(end, F_SETFD, FD_CLOEXEC) != 0) abort();
}

// Reads both pipes to their ends, or until the time is over.
bool read_both(int out, std::string &output, int err, std::string &error, unsigned seconds) {
    pollfd ends[] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
    std::string *texts[] = {&output, &error};
    const time_t deadline = time(nullptr) + static_cast<time_t>(seconds);
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        if (time(nullptr) >= deadline) return false;
        poll(ends, 2, 500);
        for (int i = 0; i < 2; ++i) {
            if (ends[i].fd < 0 || ends[i].revents == 0) continue;
            char part[4096];
            const ssize_t size = read(ends[i].fd, part, sizeof part);
            if (size > 0)
                texts[i]->append(part, static_cast<std::size_t>(size));
            else
                ends[i].fd = -1;
        }
    }
    return true;
}

outcome start(std::vector<std::string> arguments, const conditions &under) {
    const folder reports;
    std::vector<std::string> environment = environment_for(under, reports.path());
    int out[2];
    int err[2];
    make_pipe(out);
    make_pipe(err);
    outcome result;
    const pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        const rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        const rlimit limit = {under.limit_bytes, under.limit_bytes};
        if (under.limit_resource >= 0)
            setrlimit(static_cast<decltype(RLIMIT_AS)>(under.limit_resource), &limit);
        execve(arguments[0].c_str(), pointers(arguments).data(), pointers(environment).data());
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    result.process = child;
    const bool in_time = read_both(out[0], result.output, err[0], result.error, under.seconds);
    close(out[0]);
    close(err[0]);
    // Its group too: children of a scenario that hangs.
    if (!in_time) {
        kill(-child, SIGKILL);
        result.error += "[killed: the time was over]\n";
    }
    waitpid(child, &result.status, 0);
    for (const auto &file : std::filesystem::directory_iterator(reports.path())) {
        const std::string name = file.path().filename();
        if (name.find_first_not_of("0123456789") == name.npos)
            result.reports[std::atoi(name.c_str())] = contents(file.path());
    }
    return result;
}

} // namespace

scenario::scenario(const char *its_name, scenario_body body) : name(its_name) {
    if (entry_count == std::size(entries)) abort();
    entries[entry_count++] = {its_name, body};
}

void requirement_failed(const char *file, int line, const char *condition) {
    dprintf(STDERR_FILENO, "%s:%d: not so: %s (errno %d)\n", file, line, condition, errno);
    _exit(99);
}

bool outcome::exited_with(int code) const {
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

bool outcome::killed_by(int signal) const {
    return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

std::uint64_t outcome::count(const char *name) const { return count(name, process); }

std::uint64_t outcome::count(const char *name, pid_t of) const {
    const auto report = reports.find(of);
    if (report == reports.end()) {
        ADD_FAILURE() << "no report of process " << of << ": " << describe();
        return 0;
    }
    const std::string key = std::string("\"") + name + "\":";
    const std::size_t at = report->second.find(key);
    if (at == std::string::npos) {
        // What a process that did not end by exit leaves is no text.
        ADD_FAILURE() << "no " << name << " in " << describe();
        return 0;
    }
    return std::strtoull(report->second.c_str() + at + key.size(), nullptr, 10);
}

std::string outcome::describe() const {
    std::ostringstream text;
    if (WIFSIGNALED(status))
        text << "killed by signal " << WTERMSIG(status);
    else
        text << "exit status " << WEXITSTATUS(status);
    text << "\n--- standard output\n" << output << "\n--- standard error\n" << error;
    for (const auto &[of, report] : reports)
        if (report.starts_with('{')) text << "\n--- report of " << of << "\n" << report;
    return text.str();
}

outcome run(const scenario &wanted, const conditions &under) {
    return start({own_executable(), "--scenario", wanted.name}, under);
}

outcome run_program(const conditions &under) {
    std::vector<std::string> arguments = {under.program};
    arguments.insert(arguments.end(), under.arguments.begin(), under.arguments.end());
    return start(arguments, under);
}

int main(int count, char **arguments) {
    if (count == 3 && std::strcmp(arguments[1], "--scenario") == 0) {
        for (std::size_t i = 0; i < entry_count; ++i)
            if (std::strcmp(entries[i].name, arguments[2]) == 0) return entries[i].body();
        return 98;
    }
    testing::InitGoogleTest(&count, arguments);
    return RUN_ALL_TESTS();
}
