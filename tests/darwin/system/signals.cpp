// Signals: other numbers, other structures, and another signal for what may not be touched: macOS
// sends SIGBUS where there is memory that a program may not use, and SIGSEGV only where there is
// none.
#include "signals.hpp"

#include "errors.hpp"
#include "names.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace darwin::signals {
namespace {

constexpr int numbers = 32;
// By macOS's numbers; 0 where Linux has no such signal.
constexpr int of_host[numbers] = {0,        SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP,   SIGABRT,
                                  0,        SIGFPE,  SIGKILL, SIGBUS,  SIGSEGV, SIGSYS,    SIGPIPE,
                                  SIGALRM,  SIGTERM, SIGURG,  SIGSTOP, SIGTSTP, SIGCONT,   SIGCHLD,
                                  SIGTTIN,  SIGTTOU, SIGIO,   SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF,
                                  SIGWINCH, 0,       SIGUSR1, SIGUSR2};

constexpr int darwin_bus = 10;
constexpr int darwin_segv = 11;

struct information {
    int number;
    int error;
    int code;
    int process;
    unsigned user;
    int status;
    void *address;
    void *value;
    long band;
    unsigned long padding[7];
};
static_assert(sizeof(information) == 104);

// struct __darwin_mcontext64, of which the registers are filled in.
struct machine_context {
    std::uint16_t trap;
    std::uint16_t processor;
    std::uint32_t error;
    std::uint64_t fault_address;
    std::uint64_t registers[21]; // rax rbx rcx rdx rdi rsi rbp rsp r8 ... r15 rip rflags cs fs gs
    std::uint8_t vectors[524];
};

struct context {
    int on_stack;
    std::uint32_t mask;
    void *stack;
    std::size_t stack_size;
    int stack_flags;
    context *link;
    std::size_t machine_size;
    machine_context *machine;
};

constexpr int from_register[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RDI, REG_RSI,
                                 REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                 REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP, REG_EFL};

using plain_handler = void (*)(int);
using full_handler = void (*)(int, information *, context *);

struct action {
    std::uintptr_t handler;
    std::uint32_t mask;
    int flags;
};

namespace flag {
constexpr int on_stack = 0x1;
constexpr int restart = 0x2;
constexpr int reset = 0x4;
constexpr int no_child_stop = 0x8;
constexpr int no_defer = 0x10;
constexpr int no_child_wait = 0x20;
constexpr int with_information = 0x40;
} // namespace flag

constexpr std::uintptr_t by_default = 0;
constexpr std::uintptr_t ignored = 1;

struct pair {
    int darwin;
    int host;
};
constexpr pair flags[] = {{flag::on_stack, SA_ONSTACK},
                          {flag::restart, SA_RESTART},
                          {flag::no_child_stop, SA_NOCLDSTOP},
                          {flag::no_defer, SA_NODEFER},
                          {flag::no_child_wait, SA_NOCLDWAIT}};

// By macOS's numbers.
action actions[numbers] = {};

sigset_t host_set(std::uint32_t mask) {
    sigset_t result;
    sigemptyset(&result);
    for (int number = 1; number < numbers; ++number)
        if ((mask >> (number - 1) & 1) != 0 && of_host[number] != 0)
            sigaddset(&result, of_host[number]);
    return result;
}

std::uint32_t darwin_set(const sigset_t &set) {
    std::uint32_t result = 0;
    for (int number = 1; number < numbers; ++number)
        if (of_host[number] != 0 && sigismember(&set, of_host[number]) == 1)
            result |= 1U << (number - 1);
    return result;
}

/// Ends the process as the signal does by itself.
[[noreturn]] void die(int host_number) {
    signal(host_number, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, host_number);
    raise(host_number);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    _exit(128 + host_number);
}

int number_of_fault(int host_number, const siginfo_t &what) {
    if (host_number != SIGSEGV) return from_host(host_number);
    return what.si_code == SEGV_ACCERR ? darwin_bus : darwin_segv;
}

void handle(int host_number, siginfo_t *what, void *where) {
    const int saved = errno;
    const int number = number_of_fault(host_number, *what);
    action wanted = actions[number];
    const bool is_fault = what->si_code > 0 && (host_number == SIGSEGV || host_number == SIGBUS);
    if (wanted.handler == by_default || (wanted.handler == ignored && is_fault)) {
        if (wanted.handler == ignored || number == darwin_bus || number == darwin_segv)
            die(to_host(number));
        return;
    }
    if (wanted.handler == ignored) return;
    if ((wanted.flags & flag::reset) != 0) actions[number].handler = by_default;

    auto *const host_context = static_cast<ucontext_t *>(where);
    information told{};
    told.number = number;
    told.code = what->si_code <= 0 ? 0x10001 : what->si_code;
    told.process = what->si_pid;
    told.user = what->si_uid;
    if (host_number == SIGCHLD) {
        told.code = what->si_code;
        told.status = what->si_code == CLD_EXITED ? what->si_status : from_host(what->si_status);
    }
    if (is_fault) {
        told.process = 0;
        told.address = what->si_addr;
    }
    machine_context machine{};
    greg_t *const registers = host_context->uc_mcontext.gregs;
    for (std::size_t index = 0; index < std::size(from_register); ++index)
        machine.registers[index] = static_cast<std::uint64_t>(registers[from_register[index]]);
    machine.fault_address = reinterpret_cast<std::uint64_t>(what->si_addr);
    machine.error = static_cast<std::uint32_t>(registers[REG_ERR]);
    machine.trap = static_cast<std::uint16_t>(registers[REG_TRAPNO]);
    context at{};
    at.mask = darwin_set(host_context->uc_sigmask);
    at.machine_size = sizeof machine;
    at.machine = &machine;
    errno = saved;
    if ((wanted.flags & flag::with_information) != 0)
        reinterpret_cast<full_handler>(wanted.handler)(number, &told, &at);
    else
        reinterpret_cast<plain_handler>(wanted.handler)(number);
    // What the handler changed holds when it returns.
    for (std::size_t index = 0; index < std::size(from_register); ++index)
        registers[from_register[index]] = static_cast<greg_t>(machine.registers[index]);
    const sigset_t mask = host_set(at.mask);
    std::memcpy(&host_context->uc_sigmask, &mask, sizeof(std::uint64_t));
}

int set_host_action(int number, const action &wanted) {
    struct sigaction host = {};
    host.sa_mask = host_set(wanted.mask);
    host.sa_flags = SA_SIGINFO;
    for (const pair &at : flags)
        if ((wanted.flags & at.darwin) != 0) host.sa_flags |= at.host;
    const bool is_fault = number == darwin_bus || number == darwin_segv;
    if (wanted.handler == ignored && !is_fault)
        host.sa_handler = SIG_IGN;
    else if (wanted.handler == by_default && !is_fault)
        host.sa_handler = SIG_DFL;
    else
        host.sa_sigaction = handle;
    if (host.sa_sigaction != handle) host.sa_flags &= ~SA_SIGINFO;
    // Either of macOS's two may be what the host calls SIGSEGV.
    if (is_fault && sigaction(number == darwin_bus ? SIGSEGV : SIGBUS, &host, nullptr) != 0)
        return -1;
    return sigaction(of_host[number], &host, nullptr);
}

int set_action(int number, const action *wanted, action *old) {
    if (number < 1 || number >= numbers || number == 9 || number == 17) {
        errno = EINVAL;
        return -1;
    }
    const action before = actions[number];
    if (wanted != nullptr) {
        actions[number] = *wanted;
        if (of_host[number] != 0 && set_host_action(number, *wanted) != 0) {
            actions[number] = before;
            return -1;
        }
    }
    if (old != nullptr) *old = before;
    return 0;
}

std::uintptr_t set_handler(int number, std::uintptr_t handler) {
    const action wanted{handler, 0, flag::restart};
    action old{};
    return set_action(number, &wanted, &old) == 0 ? old.handler : ~std::uintptr_t{0};
}

int change_mask(int how, const std::uint32_t *set, std::uint32_t *old) {
    constexpr int host_how[] = {0, SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK};
    if (set != nullptr && (how < 1 || how > 3)) return EINVAL;
    sigset_t before;
    const sigset_t wanted = host_set(set != nullptr ? *set : 0);
    const int result =
        pthread_sigmask(set != nullptr ? host_how[how] : SIG_BLOCK, &wanted, &before);
    if (old != nullptr) *old = darwin_set(before);
    return errors::from_host(result);
}

int change_process_mask(int how, const std::uint32_t *set, std::uint32_t *old) {
    const int result = change_mask(how, set, old);
    if (result == 0) return 0;
    errno = result;
    return -1;
}

int send_to_process(pid_t process, int number) { return kill(process, to_host(number)); }
int send_to_self(int number) { return raise(to_host(number)); }
int send_to_thread(pthread_t thread, int number) {
    return errors::from_host(pthread_kill(thread, to_host(number)));
}

struct alternate_stack {
    void *address;
    std::size_t size;
    int flags;
};

int set_alternate_stack(const alternate_stack *wanted, alternate_stack *old) {
    constexpr int disabled = 4;
    constexpr std::size_t least = 32768;
    stack_t host{};
    stack_t before{};
    if (wanted != nullptr) {
        if (wanted->flags != disabled && wanted->size < least) {
            errno = ENOMEM;
            return -1;
        }
        host = {wanted->address, wanted->flags == disabled ? SS_DISABLE : 0, wanted->size};
    }
    if (sigaltstack(wanted != nullptr ? &host : nullptr, &before) != 0) return -1;
    if (old != nullptr)
        *old = {before.ss_sp, before.ss_size,
                before.ss_flags == SS_DISABLE ? disabled : before.ss_flags};
    return 0;
}

int wait_with_mask(const std::uint32_t *mask) {
    const sigset_t set = host_set(*mask);
    return sigsuspend(&set);
}

int wait_for_signal(const std::uint32_t *mask, int *number) {
    const sigset_t set = host_set(*mask);
    int host = 0;
    const int result = sigwait(&set, &host);
    if (result == 0) *number = from_host(host);
    return errors::from_host(result);
}

int pending(std::uint32_t *mask) {
    sigset_t set;
    const int result = sigpending(&set);
    *mask = darwin_set(set);
    return result;
}

int set_empty(std::uint32_t *set) { return static_cast<int>(*set = 0); }
int set_full(std::uint32_t *set) {
    *set = ~std::uint32_t{0};
    return 0;
}
int set_add(std::uint32_t *set, int number) {
    *set |= 1U << (number - 1);
    return 0;
}
int set_delete(std::uint32_t *set, int number) {
    *set &= ~(1U << (number - 1));
    return 0;
}
int set_has(const std::uint32_t *set, int number) {
    return static_cast<int>(*set >> (number - 1) & 1);
}

char *text_of(int number) { return strsignal(to_host(number)); }

} // namespace

int from_host(int number) {
    for (int at = 1; at < numbers; ++at)
        if (of_host[at] == number) return at;
    return number;
}

int to_host(int number) {
    if (number <= 0 || number >= numbers) return number;
    // Without a counterpart: one that Linux ignores by itself too.
    return of_host[number] != 0 ? of_host[number] : SIGURG;
}

int status_from_host(int status) {
    const int low = status & 0x7f;
    if (low == 0x7f) return (status & 0xff) | from_host(status >> 8 & 0xff) << 8;
    return low == 0 ? status : (status & ~0x7f) | from_host(low);
}

void take_faults() {
    set_host_action(darwin_bus, {});
    set_host_action(darwin_segv, {});
}

} // namespace darwin::signals

namespace darwin::system {

std::span<const entry> signal_names() {
    using namespace darwin::signals;
    static const entry names[] = {
        function("sigaction", set_action),
        function("signal", set_handler),
        function("sigprocmask", change_process_mask),
        function("pthread_sigmask", change_mask),
        function("kill", send_to_process),
        function("raise", send_to_self),
        function("pthread_kill", send_to_thread),
        function("sigaltstack", set_alternate_stack),
        function("sigsuspend", wait_with_mask),
        function("sigwait", wait_for_signal),
        function("sigpending", pending),
        function("sigemptyset", set_empty),
        function("sigfillset", set_full),
        function("sigaddset", set_add),
        function("sigdelset", set_delete),
        function("sigismember", set_has),
        function("strsignal", text_of),
    };
    return names;
}

} // namespace darwin::system
