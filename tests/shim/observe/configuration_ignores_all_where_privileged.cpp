// Promise: a privileged process (AT_SECURE) has mode off, whatever its environment says, and says
// nothing. Needs root to make a set-user-id copy of this program and to run it as somebody else;
// else it says so and is skipped (77).
#include "shim/lifecycle/configuration.hpp"
#include "tests/shim/observe/child.hpp"

#include <cstdio>
#include <cstring>
#include <sys/auxv.h>
#include <sys/stat.h>

using namespace scratch::shim;

namespace {

constexpr uid_t nobody = 65534;
constexpr int not_privileged = 3;

// What the copy does: 0 if everything was ignored.
int report_back(char **environment) {
    if (getauxval(AT_SECURE) == 0) return not_privileged;
    const configuration read = read_configuration(environment);
    const bool ignored = read.mode == run_mode::off && read.statistics == statistics_format::none &&
                         read.output == nullptr && read.follow &&
                         read.budget == std::size_t{8} << 20;
    const bool untouched = std::strcmp(environment[0], "LD_PRELOAD=nothing:libscratch.so") == 0;
    return ignored && untouched ? 0 : 1;
}

int skip(const char *why) {
    std::printf("SKIPPED: %s\n", why);
    return 77;
}

} // namespace

int main(int count, char **, char **environment) {
    if (count > 1) {
        char preload[] = "LD_PRELOAD=nothing:libscratch.so";
        char *with_preload[] = {preload,        environment[0], environment[1], environment[2],
                                environment[3], environment[4], nullptr};
        return report_back(with_preload);
    }
    if (geteuid() != 0) return skip("needs root to make a set-user-id program");
    scratch_folder folder;
    const std::string copy = folder.path + "/privileged";
    chmod(folder.path.c_str(), 0755);
    if (system(("cp /proc/" + std::to_string(getpid()) + "/exe " + copy).c_str()) != 0) return 1;
    chmod(copy.c_str(), 04755);
    const child_outcome outcome = in_child([&] {
        if (setgid(nobody) != 0 || setuid(nobody) != 0) return not_privileged;
        const char *const words[] = {"privileged", "report", nullptr};
        const char *const variables[] = {"SCRATCH_MODE=wrong", "SCRATCH_STATS=json",
                                         "SCRATCH_FOLLOW=0",   "SCRATCH_OUTPUT=/tmp/never",
                                         "SCRATCH_BUDGET=1x",  nullptr};
        execve(copy.c_str(), const_cast<char **>(words), const_cast<char **>(variables));
        return not_privileged;
    });
    if (outcome.exited_with(not_privileged))
        return skip("set-user-id has no effect here (nosuid?)");
    if (outcome.exited_with(0) && outcome.standard_error.empty()) return 0;
    std::printf("status %d, said: %s\n", outcome.status, outcome.standard_error.c_str());
    return 1;
}
