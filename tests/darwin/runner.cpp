#include "runner.hpp"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::vector<char *> pointers(const std::vector<std::string> &strings) {
    std::vector<char *> result;
    for (const std::string &string : strings)
        result.push_back(const_cast<char *>(string.c_str()));
    result.push_back(nullptr);
    return result;
}

void read_both(int out, std::string &output, int err, std::string &error) {
    pollfd ends[] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
    std::string *texts[] = {&output, &error};
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        poll(ends, 2, -1);
        for (int index = 0; index < 2; ++index) {
            if (ends[index].fd < 0 || ends[index].revents == 0) continue;
            char part[4096];
            const ssize_t size = read(ends[index].fd, part, sizeof part);
            if (size > 0)
                texts[index]->append(part, static_cast<std::size_t>(size));
            else
                ends[index].fd = -1;
        }
    }
}

} // namespace

bool outcome::exited_with(int code) const {
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

std::string outcome::describe() const {
    const std::string end = WIFEXITED(status)
                                ? "exited with " + std::to_string(WEXITSTATUS(status))
                                : "ended by signal " + std::to_string(WTERMSIG(status));
    return end + "\n" + output + error;
}

std::string built(const std::string &name) {
    const char *const folder = std::getenv("DARWIN_PROGRAMS");
    return std::string(folder == nullptr ? DARWIN_PROGRAMS : folder) + "/" + name;
}

outcome run_loader(const std::vector<std::string> &arguments,
                   const std::vector<std::string> &environment) {
    std::vector<std::string> all{DYLD_ON_LINUX};
    all.insert(all.end(), arguments.begin(), arguments.end());
    int out[2];
    int err[2];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) abort();
    outcome result;
    const pid_t child = fork();
    if (child == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        const rlimit no_core{0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        execve(DYLD_ON_LINUX, pointers(all).data(), pointers(environment).data());
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    read_both(out[0], result.output, err[0], result.error);
    close(out[0]);
    close(err[0]);
    waitpid(child, &result.status, 0);
    return result;
}

outcome run_program(const std::string &name, const std::vector<std::string> &arguments) {
    std::vector<std::string> all{built(name)};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_loader(all);
}
