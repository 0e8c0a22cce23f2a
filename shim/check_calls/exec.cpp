// Programs that become others: what one ignores the next ignores too, and what stood before its own
// SIGSEGV does not pass on. posix_spawn and libc's own calls (system, popen) are not seen: theirs
// begin with the default.

#include <alloca.h>
#include <cstdarg>
#include <cstddef>
#include <unistd.h>

#include "shim/check/seam.hpp"
#include "shim/check_calls/next_function.hpp"

#pragma weak scratch_check_before_exec
#pragma weak scratch_check_after_exec

namespace {

// While it lives SIGSEGV is with the system as the program left it. It lives on where the call
// fails only.
class as_the_program_left_it {
public:
    as_the_program_left_it() noexcept {
        if (&scratch_check_before_exec != nullptr) changed_ = scratch_check_before_exec();
    }
    ~as_the_program_left_it() {
        if (changed_ != 0) scratch_check_after_exec();
    }
    as_the_program_left_it(const as_the_program_left_it &) = delete;
    as_the_program_left_it &operator=(const as_the_program_left_it &) = delete;

private:
    int changed_ = 0;
};

std::size_t count_of(const char *first, std::va_list others) noexcept {
    std::size_t count = 0;
    for (const char *one = first; one != nullptr; one = va_arg(others, char *))
        ++count;
    return count;
}

} // namespace

SCRATCH_EXPORT int execve(const char *path, char *const arguments[],
                          char *const environment[]) noexcept {
    const as_the_program_left_it meanwhile;
    return SCRATCH_NEXT(execve)(path, arguments, environment);
}
SCRATCH_EXPORT int execv(const char *path, char *const arguments[]) noexcept {
    const as_the_program_left_it meanwhile;
    return SCRATCH_NEXT(execv)(path, arguments);
}
SCRATCH_EXPORT int execvp(const char *file, char *const arguments[]) noexcept {
    const as_the_program_left_it meanwhile;
    return SCRATCH_NEXT(execvp)(file, arguments);
}
SCRATCH_EXPORT int execvpe(const char *file, char *const arguments[],
                           char *const environment[]) noexcept {
    const as_the_program_left_it meanwhile;
    return SCRATCH_NEXT(execvpe)(file, arguments, environment);
}
SCRATCH_EXPORT int fexecve(int file, char *const arguments[], char *const environment[]) noexcept {
    const as_the_program_left_it meanwhile;
    return SCRATCH_NEXT(fexecve)(file, arguments, environment);
}

// The arguments behind `first` as a vector, on the stack of the function in whose body it stands.
#define SCRATCH_COLLECT(vector, first)                                                             \
    std::va_list arguments;                                                                        \
    va_start(arguments, first);                                                                    \
    const std::size_t count = count_of(first, arguments);                                          \
    va_end(arguments);                                                                             \
    auto **const vector = static_cast<char **>(alloca((count + 1) * sizeof(char *)));              \
    va_start(arguments, first);                                                                    \
    vector[0] = const_cast<char *>(first);                                                         \
    for (std::size_t i = 1; i <= count; ++i)                                                       \
    vector[i] = va_arg(arguments, char *)

SCRATCH_EXPORT int execl(const char *path, const char *first, ...) noexcept {
    SCRATCH_COLLECT(vector, first);
    va_end(arguments);
    return execv(path, vector);
}
SCRATCH_EXPORT int execlp(const char *file, const char *first, ...) noexcept {
    SCRATCH_COLLECT(vector, first);
    va_end(arguments);
    return execvp(file, vector);
}
SCRATCH_EXPORT int execle(const char *path, const char *first, ...) noexcept {
    SCRATCH_COLLECT(vector, first);
    char *const *environment = va_arg(arguments, char **);
    va_end(arguments);
    return execve(path, vector, environment);
}
