// Processes: fork, exec of further Mach-O programs by this loader, ends, limits, what the system
// tells of itself.
#include "errors.hpp"
#include "names.hpp"
#include "signals.hpp"
#include "zones.hpp"

#include "loader/format.hpp"
#include "loader/initialisers.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace darwin::processes {
namespace {

bool is_mach_o(const char *path) {
    std::uint32_t magic = 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool is_read = read(file, &magic, sizeof magic) == sizeof magic;
    close(file);
    return is_read && (magic == format::magic_64 || magic == format::magic_fat);
}

constexpr const char *own_loader = "/proc/self/exe";

std::size_t length_of(char *const *arguments) {
    std::size_t count = 0;
    while (arguments[count] != nullptr)
        ++count;
    return count;
}

/// Programs for macOS are run by this loader again. The caller gives room for five more pointers
/// than there are arguments, on the stack: a child of fork in a program with threads takes no
/// memory here.
void prepend_loader(const char *path, char *const *arguments, std::size_t count, char **list) {
    *list++ = const_cast<char *>("dyld_on_linux");
    *list++ = const_cast<char *>("--name");
    *list++ = count > 0 ? arguments[0] : const_cast<char *>("");
    *list++ = const_cast<char *>(path);
    for (std::size_t index = 1; index < count; ++index)
        *list++ = arguments[index];
    *list = nullptr;
}

int execute_with(const char *path, char *const *arguments, char *const *environment) {
    if (!is_mach_o(path)) return execve(path, arguments, environment);
    if (access(path, X_OK) != 0) return -1;
    const std::size_t count = length_of(arguments);
    const auto list = static_cast<char **>(__builtin_alloca((count + 5) * sizeof(char *)));
    prepend_loader(path, arguments, count, list);
    return execve(own_loader, list, environment);
}

int fork_with_zones() {
    zones::before_fork();
    const pid_t child = fork();
    const int saved = errno;
    if (child == 0)
        zones::after_fork_in_child();
    else
        zones::after_fork_in_parent();
    errno = saved;
    return child;
}

/// Without actions and attributes, whose structures are the system's own.
int spawn(pid_t *child, const char *path, void *const *actions, void *const *attributes,
          char *const *arguments, char *const *environment) {
    if (actions != nullptr || attributes != nullptr) return errors::from_host(ENOTSUP);
    if (!is_mach_o(path))
        return errors::from_host(
            posix_spawn(child, path, nullptr, nullptr, arguments, environment));
    if (access(path, X_OK) != 0) return errors::from_host(errno);
    const std::size_t count = length_of(arguments);
    const auto list = static_cast<char **>(__builtin_alloca((count + 5) * sizeof(char *)));
    prepend_loader(path, arguments, count, list);
    return errors::from_host(posix_spawn(child, own_loader, nullptr, nullptr, list, environment));
}

int execute(const char *path, char *const *arguments) {
    return execute_with(path, arguments, environ);
}

int execute_list(const char *path, const char *first, ...) {
    std::vector<char *> list{const_cast<char *>(first)};
    va_list more;
    va_start(more, first);
    while (list.back() != nullptr)
        list.push_back(va_arg(more, char *));
    va_end(more);
    return execute(path, list.data());
}

int execute_found(const char *file, char *const *arguments) {
    if (strchr(file, '/') != nullptr) return execute(file, arguments);
    return execvp(file, arguments);
}

pid_t wait_for(pid_t process, int *status, int options) {
    int host = 0;
    const pid_t result = waitpid(process, &host, options);
    if (status != nullptr && result > 0) *status = signals::status_from_host(host);
    return result;
}

pid_t wait_for_any(int *status) { return wait_for(-1, status, 0); }

struct usage {
    std::int64_t user_seconds;
    std::int32_t user_microseconds;
    std::int64_t system_seconds;
    std::int32_t system_microseconds;
    long maximum_resident; // bytes
    long others[13];
};

int usage_of(int who, usage *result) {
    rusage host{};
    if (getrusage(who == -1 ? RUSAGE_CHILDREN : RUSAGE_SELF, &host) != 0) return -1;
    *result = {};
    result->user_seconds = host.ru_utime.tv_sec;
    result->user_microseconds = static_cast<std::int32_t>(host.ru_utime.tv_usec);
    result->system_seconds = host.ru_stime.tv_sec;
    result->system_microseconds = static_cast<std::int32_t>(host.ru_stime.tv_usec);
    result->maximum_resident = host.ru_maxrss * 1024;
    result->others[3] = host.ru_minflt;
    result->others[4] = host.ru_majflt;
    return 0;
}

// Limits, by macOS's numbers.
constexpr int of_host_limit[] = {RLIMIT_CPU,     RLIMIT_FSIZE, RLIMIT_DATA,
                                 RLIMIT_STACK,   RLIMIT_CORE,  RLIMIT_AS,
                                 RLIMIT_MEMLOCK, RLIMIT_NPROC, RLIMIT_NOFILE};
constexpr rlim_t darwin_unlimited = ~rlim_t{0} >> 1;

int limit_number(int number) {
    const int plain = number & ~0x1000;
    return plain >= 0 && plain < static_cast<int>(std::size(of_host_limit)) ? of_host_limit[plain]
                                                                            : -1;
}

int get_limit(int number, rlimit *limit) {
    if (limit_number(number) < 0) {
        errno = EINVAL;
        return -1;
    }
    if (getrlimit(static_cast<__rlimit_resource>(limit_number(number)), limit) != 0) return -1;
    limit->rlim_cur = std::min(limit->rlim_cur, darwin_unlimited);
    limit->rlim_max = std::min(limit->rlim_max, darwin_unlimited);
    return 0;
}

int set_limit(int number, const rlimit *limit) {
    // A limit of addresses below what is mapped is refused since macOS 12, and more than any usual
    // limit is mapped from the start: the shared cache there, the map of blocks here.
    const bool is_too_low =
        limit_number(number) == RLIMIT_AS && limit->rlim_cur < (rlim_t{1} << 40);
    if (limit_number(number) < 0 || is_too_low) {
        errno = EINVAL;
        return -1;
    }
    rlimit host = *limit;
    if (host.rlim_cur >= darwin_unlimited) host.rlim_cur = RLIM_INFINITY;
    if (host.rlim_max >= darwin_unlimited) host.rlim_max = RLIM_INFINITY;
    return setrlimit(static_cast<__rlimit_resource>(limit_number(number)), &host);
}

struct number_pair {
    int darwin;
    int host;
};
constexpr number_pair configuration[] = {
    {1, _SC_ARG_MAX},           {2, _SC_CHILD_MAX},         {3, _SC_CLK_TCK},
    {5, _SC_OPEN_MAX},          {29, _SC_PAGESIZE},         {57, _SC_NPROCESSORS_CONF},
    {58, _SC_NPROCESSORS_ONLN}, {70, _SC_GETGR_R_SIZE_MAX}, {71, _SC_GETPW_R_SIZE_MAX},
    {72, _SC_HOST_NAME_MAX},    {200, _SC_PHYS_PAGES}};

long configured(int number) {
    for (const number_pair &at : configuration)
        if (at.darwin == number) return sysconf(at.host);
    errno = EINVAL;
    return -1;
}

/// The user's own folder for temporary files; no other text is known.
std::size_t configured_text(int number, char *to, std::size_t size) {
    constexpr int of_temporary_folder = 65537;
    if (number != of_temporary_folder) {
        errno = EINVAL;
        return 0;
    }
    char path[64];
    const int length = std::snprintf(path, sizeof path, "/tmp/dyld_on_linux-%u/", getuid());
    mkdir(path, 0700);
    std::snprintf(to, size, "%s", path);
    return static_cast<std::size_t>(length) + 1;
}

int page_size() { return 4096; }

/// What the system knows of a thread: only whether there is one.
int thread_information(pid_t process, int flavour, std::uint64_t thread, void *result, int size) {
    constexpr int of_thread_number = 15;
    constexpr int information_size = 112;
    if (flavour != of_thread_number || size < information_size) {
        errno = EINVAL;
        return 0;
    }
    if (syscall(SYS_tgkill, process, static_cast<pid_t>(thread), 0) != 0) return 0;
    std::memset(result, 0, information_size);
    return information_size;
}

/// A number that sysctl knows by name.
int system_value(const char *name, void *result, std::size_t *size, const void *changed,
                 std::size_t) {
    std::uint64_t value = 0;
    if (changed != nullptr) {
        errno = EPERM;
        return -1;
    }
    if (strcmp(name, "hw.ncpu") == 0 || strcmp(name, "hw.logicalcpu") == 0 ||
        strcmp(name, "hw.activecpu") == 0)
        value = static_cast<std::uint64_t>(sysconf(_SC_NPROCESSORS_ONLN));
    else if (strcmp(name, "hw.pagesize") == 0)
        value = 4096;
    else if (strcmp(name, "hw.memsize") == 0)
        value = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * 4096;
    else {
        errno = ENOENT;
        return -1;
    }
    const std::size_t width =
        strcmp(name, "hw.memsize") == 0 || strcmp(name, "hw.pagesize") == 0 ? 8 : 4;
    if (result != nullptr) {
        if (*size < width) {
            errno = ENOMEM;
            return -1;
        }
        std::memcpy(result, &value, width);
    }
    *size = width;
    return 0;
}

// The host has it in each executable only.
int at_exit(void (*handler)()) { return atexit(handler); }

// Not privileged ever: no program here is setuid.
int is_set_user() { return 0; }

std::uintptr_t stack_guard = 0x5ca7c4d05ca7c400;

[[noreturn]] void stack_is_smashed() {
    fputs("stack smashing detected\n", stderr);
    abort();
}

char ***where_environment() { return &environ; }
char ***where_arguments() {
    static char **arguments;
    arguments = arguments_of_program().arguments;
    return &arguments;
}
int *where_argument_count() {
    static int count;
    count = arguments_of_program().count;
    return &count;
}

const char *program_name() {
    const char *const path = arguments_of_program().arguments[0];
    const char *const slash = strrchr(path, '/');
    return slash != nullptr ? slash + 1 : path;
}

char *name_variable = nullptr;

} // namespace
} // namespace darwin::processes

namespace darwin::system {

std::span<const entry> process_names() {
    using namespace darwin::processes;
    static const entry names[] = {
        function("fork", fork_with_zones),
        function("execve", execute_with),
        function("posix_spawn", spawn),
        function("execv", execute),
        function("execvp", execute_found),
        function("execl", execute_list),
        function("waitpid", wait_for),
        function("wait", wait_for_any),
        function("getrusage", usage_of),
        function("getrlimit", get_limit),
        function("setrlimit", set_limit),
        function("sysconf", configured),
        function("confstr", configured_text),
        function("getpagesize", page_size),
        function("proc_pidinfo", thread_information),
        function("sysctlbyname", system_value),
        function("atexit", at_exit),
        function("issetugid", is_set_user),
        variable("__stack_chk_guard", stack_guard),
        function("__stack_chk_fail", stack_is_smashed),
        variable("environ", environ),
        function("_NSGetEnviron", where_environment),
        function("_NSGetArgv", where_arguments),
        function("_NSGetArgc", where_argument_count),
        function("getprogname", program_name),
        variable("__progname", name_variable),
    };
    return names;
}

} // namespace darwin::system
