// Runs a program for macOS on Linux: dyld_on_linux [--insert LIBRARY]... [--system LIBRARY]...
// [--release NUMBER] [--name NAME] PROGRAM [ARGUMENTS]. The options stand in the environment too,
// for the programs that it starts: DYLD_INSERT_LIBRARIES, DYLD_ON_LINUX_SYSTEM and
// DYLD_LIBRARY_PATH, with colons between, and DYLD_ON_LINUX_RELEASE.
#include "process.hpp"
#include "system/names.hpp"
#include "system/signals.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int refused = 125;

std::vector<std::string> list_in(const char *variable) {
    std::vector<std::string> result;
    const char *const value = std::getenv(variable);
    std::string_view rest = value == nullptr ? "" : value;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        if (end != 0) result.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return result;
}

void add_to(const char *variable, const char *value) {
    const char *const before = std::getenv(variable);
    setenv(variable, before == nullptr ? value : (std::string(before) + ":" + value).c_str(), 1);
}

} // namespace

int main(int count, char **arguments) {
    int at = 1;
    char *name = nullptr;
    for (; at + 1 < count && arguments[at][0] == '-'; at += 2) {
        if (strcmp(arguments[at], "--insert") == 0)
            add_to("DYLD_INSERT_LIBRARIES", arguments[at + 1]);
        else if (strcmp(arguments[at], "--system") == 0)
            add_to("DYLD_ON_LINUX_SYSTEM", arguments[at + 1]);
        else if (strcmp(arguments[at], "--release") == 0)
            setenv("DYLD_ON_LINUX_RELEASE", arguments[at + 1], 1);
        else if (strcmp(arguments[at], "--name") == 0)
            name = arguments[at + 1];
        else
            break;
    }
    if (at >= count || arguments[at][0] == '-') {
        fputs("usage: dyld_on_linux [--insert LIBRARY]... [--system LIBRARY]... "
              "[--release NUMBER] [--name NAME] PROGRAM [ARGUMENTS]\n",
              stderr);
        return refused;
    }
    const darwin::process::start what{arguments[at], list_in("DYLD_INSERT_LIBRARIES"),
                                      list_in("DYLD_ON_LINUX_SYSTEM"),
                                      list_in("DYLD_LIBRARY_PATH")};
    try {
        darwin::process::load(what, darwin::system::lookup);
    } catch (const darwin::refusal &reason) {
        fprintf(stderr, "dyld_on_linux: %s\n", reason.what());
        return refused;
    }
    if (name != nullptr) arguments[at] = name;
    darwin::signals::take_faults();
    // As after a return from the program's main function, not from this one.
    exit(darwin::process::run(count - at, arguments + at, environ));
}
