// What programs say about SIGSEGV, and how they end. Without logic of its own but for the older
// forms of sigaction.

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <unistd.h>

#include "shim/check/seam.hpp"
#include "shim/check_calls/next_function.hpp"

#pragma weak scratch_check_sigaction
#pragma weak scratch_check_sigmask
#pragma weak scratch_check_finish

namespace {

using handler = void (*)(int);

bool has_shim() noexcept { return &scratch_check_sigaction != nullptr; }

handler set_fault_handler(handler wanted, int flags) noexcept {
    struct sigaction action = {};
    struct sigaction before = {};
    action.sa_handler = wanted;
    action.sa_flags = flags;
    if (wanted == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    if ((flags & SA_NODEFER) == 0) sigaddset(&action.sa_mask, SIGSEGV);
    return scratch_check_sigaction(SIGSEGV, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}

constexpr int of_bsd = SA_RESTART;
constexpr int of_system_five = static_cast<int>(SA_RESETHAND) | SA_NODEFER;

} // namespace

SCRATCH_EXPORT int sigaction(int signal, const struct sigaction *wanted,
                             struct sigaction *before) noexcept {
    return has_shim() ? scratch_check_sigaction(signal, wanted, before)
                      : SCRATCH_NEXT(sigaction)(signal, wanted, before);
}

#define SCRATCH_SIGNAL(name, flags)                                                                \
    extern "C" handler name(int number, handler wanted) noexcept;                                  \
    SCRATCH_EXPORT handler name(int number, handler wanted) noexcept {                             \
        return has_shim() && number == SIGSEGV ? set_fault_handler(wanted, flags)                  \
                                               : SCRATCH_NEXT(name)(number, wanted);               \
    }
SCRATCH_SIGNAL(signal, of_bsd)
SCRATCH_SIGNAL(ssignal, of_bsd)
SCRATCH_SIGNAL(bsd_signal, of_bsd)
SCRATCH_SIGNAL(sysv_signal, of_system_five)
SCRATCH_SIGNAL(__sysv_signal, of_system_five)

SCRATCH_EXPORT int pthread_sigmask(int how, const sigset_t *wanted, sigset_t *before) noexcept {
    return has_shim() ? scratch_check_sigmask(how, wanted, before)
                      : SCRATCH_NEXT(pthread_sigmask)(how, wanted, before);
}
SCRATCH_EXPORT int sigprocmask(int how, const sigset_t *wanted, sigset_t *before) noexcept {
    if (!has_shim()) return SCRATCH_NEXT(sigprocmask)(how, wanted, before);
    const int error = scratch_check_sigmask(how, wanted, before);
    if (error == 0) return 0;
    errno = error;
    return -1;
}

SCRATCH_EXPORT void _exit(int status) {
    SCRATCH_NEXT(_exit)(&scratch_check_finish != nullptr ? scratch_check_finish(status) : status);
    std::abort();
}
SCRATCH_EXPORT void _Exit(int status) noexcept { _exit(status); }
