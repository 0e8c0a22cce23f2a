#include "shim/check/source_lines.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/observe/descriptor.hpp"
#include "shim/observe/plain_text.hpp"

namespace scratch::shim::check {

namespace {

constexpr std::size_t most_places = 128;

struct command {
    std::array<const char *, most_places + 8> arguments;
    int output;
};

// Runs in a process of its own, in our memory and on a stack within ours, while we wait.
int become_addr2line(void *given) {
    const auto &wanted = *static_cast<const command *>(given);
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDERR_FILENO);
    dup2(wanted.output, STDOUT_FILENO);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const char *environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", nullptr};
    for (const char *path : {"/usr/bin/addr2line", "/usr/local/bin/addr2line", "/bin/addr2line"})
        execve(path, const_cast<char *const *>(wanted.arguments.data()),
               const_cast<char *const *>(environment));
    _exit(127);
}

// Without a signal at its end, and waited for as such: the program's own waits do not see it.
pid_t start_child(command &wanted) noexcept {
    alignas(16) char stack[8192];
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t child =
        clone(become_addr2line, stack + sizeof stack, CLONE_VM | CLONE_VFORK, &wanted);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return child;
}

std::size_t read_all(int file, std::span<char> into) noexcept {
    std::size_t size = 0;
    while (size < into.size()) {
        const ssize_t part = read(file, into.data() + size, into.size() - size);
        if (part < 0 && errno == EINTR) continue;
        if (part <= 0) break;
        size += static_cast<std::size_t>(part);
    }
    return size;
}

std::string_view take_line(std::string_view &text) noexcept {
    const std::size_t size = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    return line;
}

// "function" and "file:line", or question marks. Without a line the function is only the nearest
// symbol, true where a symbol holds the address.
void fill(place_name &place, std::string_view function, std::string_view source) noexcept {
    const bool is_held = place.function[0] != 0 || !source.starts_with("??");
    if (is_held && !function.empty() && function != "??") copy_text(place.function, function);
    source = source.substr(0, source.find(" (discriminator"));
    const std::size_t colon = source.rfind(':');
    if (colon == source.npos || source.starts_with("??")) return;
    const std::string_view number = source.substr(colon + 1);
    std::from_chars(number.data(), number.data() + number.size(), place.line);
    if (place.line != 0) copy_text(place.file, source.substr(0, colon));
}

} // namespace

void find_source_lines(const char *module, std::span<place_name> places) noexcept {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    fixed_text<most_places * 20> offsets;
    command wanted = {{"addr2line", "-C", "-f", "-e", module}, ends[1]};
    std::size_t count = 0;
    for (const place_name &place : places) {
        if (place.known || place.module != module || count == most_places) continue;
        wanted.arguments[5 + count++] = offsets.view().data() + offsets.view().size();
        offsets.format("0x%lx", static_cast<unsigned long>(place.offset));
        offsets.add('\0');
    }
    const pid_t child = start_child(wanted);
    close(ends[1]);
    if (child > 0) {
        static constinit char output[most_places * 300];
        std::string_view text(output, read_all(ends[0], output));
        for (place_name &place : places) {
            if (place.known || place.module != module || text.empty()) continue;
            const std::string_view function = take_line(text);
            fill(place, function, take_line(text));
        }
        while (waitpid(child, nullptr, static_cast<int>(__WCLONE)) < 0 && errno == EINTR) {
        }
    }
    close(ends[0]);
}

} // namespace scratch::shim::check
