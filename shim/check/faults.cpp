#include "shim/check/faults.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/kept_errno.hpp"
#include "shim/check/lock.hpp"
#include "shim/check/report_stack.hpp"
#include "shim/check/uses.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/threads.hpp"
#include "shim/next/loader.hpp"

namespace scratch::shim::check {

namespace {

constinit action_function next_action = nullptr;
constinit bool watching = false;

// What the program has for SIGSEGV, in one of several places, so that a handler that runs while
// another thread sets it reads a whole one.
constinit struct sigaction actions[16] = {};
constinit std::atomic<unsigned> present{0};
// Signals whose mask the program wanted SIGSEGV in.
constinit std::atomic<std::uint64_t> masks_with_fault{0};
constinit __thread bool fault_blocked __attribute__((tls_model("initial-exec"))) = false;

void handle(int signal, siginfo_t *info, void *context);

// The system's, since libc's has no second name by which it could be called from before itself. The
// two that libc keeps for its threads are never blocked.
int next_mask(int how, const sigset_t *wanted, sigset_t *before) noexcept {
    constexpr std::uint64_t of_libc = std::uint64_t{3} << 31;
    std::uint64_t system_set = 0;
    if (wanted != nullptr) {
        std::memcpy(&system_set, wanted, sizeof system_set);
        if (how != SIG_UNBLOCK) system_set &= ~of_libc;
    }
    std::uint64_t system_before = 0;
    const kept_errno keep_errno;
    if (syscall(SYS_rt_sigprocmask, how, wanted != nullptr ? &system_set : nullptr, &system_before,
                sizeof system_set) != 0)
        return errno;
    if (before != nullptr) {
        sigemptyset(before);
        std::memcpy(before, &system_before, sizeof system_before);
    }
    return 0;
}

struct sigaction program_action() noexcept {
    return actions[present.load(std::memory_order_acquire) % std::size(actions)];
}

void note_action(const struct sigaction &wanted) noexcept {
    const unsigned to = present.load(std::memory_order_relaxed) + 1;
    actions[to % std::size(actions)] = wanted;
    present.store(to, std::memory_order_release);
}

bool is_handler(const struct sigaction &action) noexcept {
    return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

// Ours, called the way the program's own would be: its stack, its mask, its restarts.
struct sigaction ours_before(const struct sigaction &program) noexcept {
    struct sigaction ours = {};
    ours.sa_sigaction = handle;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (is_handler(program)) {
        ours.sa_mask = program.sa_mask;
        ours.sa_flags = (program.sa_flags | SA_SIGINFO) & ~static_cast<int>(SA_RESETHAND);
    }
    return ours;
}

// The way it would have ended: a fault comes again, anything else is sent again.
void end_by_default(int signal, bool is_fault) noexcept {
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    next_action(signal, &standard, nullptr);
    if (!is_fault) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
}

void forward(int signal, siginfo_t *info, void *context) noexcept {
    const struct sigaction action = program_action();
    const bool is_fault = info->si_code > 0;
    if (fault_blocked && !is_fault) {
        // It waits until the program opens it again.
        sigaddset(&static_cast<ucontext_t *>(context)->uc_sigmask, signal);
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
        return;
    }
    if (action.sa_handler == SIG_IGN && !is_fault) return;
    if (!is_handler(action) || fault_blocked) return end_by_default(signal, is_fault);
    if ((action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
        struct sigaction standard = {};
        standard.sa_handler = SIG_DFL;
        set_action(signal, &standard, nullptr);
    }
    if ((action.sa_flags & SA_SIGINFO) != 0)
        action.sa_sigaction(signal, info, context);
    else
        action.sa_handler(signal);
}

struct fault {
    std::uintptr_t address;
    const void *context;
    bool is_ours;
};

const char *access_of(const void *context) noexcept {
#if defined(__x86_64__)
    constexpr greg_t is_write = 2;
    const auto *machine = &static_cast<const ucontext_t *>(context)->uc_mcontext;
    return (machine->gregs[REG_ERR] & is_write) != 0 ? "write" : "read";
#else
    (void)context;
    return "access";
#endif
}

void tell_fault(void *given) noexcept {
    auto &of = *static_cast<fault *>(given);
    backtrace place;
    take_backtrace_of(of.context, place);
    of.is_ours = tell_use({.address = of.address,
                           .what = access_of(of.context),
                           .by_system = false,
                           .place = &place});
}

bool is_ours(const siginfo_t *info, const void *context) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    if (info->si_code <= 0 || !in_arena(info->si_addr)) return false;
    if (!is_closed(address)) {
        // Another thread may have opened the page meanwhile: then the next try succeeds.
        static constinit __thread std::uintptr_t tried __attribute__((tls_model("initial-exec"))) =
            0;
        const bool again =
            info->si_code == SEGV_ACCERR && tried != address && page_of(address) < highest_page();
        tried = address;
        return again;
    }
    const kept_errno keep_errno;
    const inside here;
    if (!here) return false;
    fault of = {address, context, false};
    const locked stack(guarded::fault_stack);
    call_on_report_stack(tell_fault, &of);
    return of.is_ours;
}

void handle(int signal, siginfo_t *info, void *context) {
    if (!is_ours(info, context)) forward(signal, info, context);
}

std::uint64_t bit_of(int signal) noexcept { return std::uint64_t{1} << (signal & 63); }

// The child's handlers are its own, and what the program has for SIGSEGV is noted in memory that is
// its parent's.
int set_action_in_vfork_child(int signal, const struct sigaction *wanted,
                              struct sigaction *before) noexcept {
    const struct sigaction was = program_action();
    const int failed = next_action(signal, wanted, before);
    if (failed == 0 && before != nullptr && signal == SIGSEGV) *before = was;
    return failed;
}

} // namespace

void watch_faults() noexcept {
    next_action = find_action_of_libc();
    if (next_action == nullptr || !open_report_stack()) return;
    struct sigaction before = {};
    next_action(SIGSEGV, nullptr, &before);
    note_action(before);
    const struct sigaction ours = ours_before(before);
    watching = next_action(SIGSEGV, &ours, nullptr) == 0;
}

int set_action(int signal, const struct sigaction *wanted, struct sigaction *before) noexcept {
    if (next_action == nullptr) next_action = find_action_of_libc();
    if (!watching) return next_action(signal, wanted, before);
    if (is_vfork_child()) return set_action_in_vfork_child(signal, wanted, before);
    if (signal == SIGSEGV) {
        const struct sigaction was = program_action();
        if (wanted != nullptr) {
            const struct sigaction ours = ours_before(*wanted);
            struct sigaction noted = *wanted;
            if (const int failed = next_action(signal, &ours, nullptr)) return failed;
            // With what libc and the kernel add to each.
            struct sigaction stands = {};
            next_action(signal, nullptr, &stands);
            noted.sa_flags |= stands.sa_flags & ~ours.sa_flags;
            noted.sa_restorer = stands.sa_restorer;
            note_action(noted);
        }
        if (before != nullptr) *before = was;
        return 0;
    }
    struct sigaction open_to_faults;
    const bool had = (masks_with_fault.load(std::memory_order_relaxed) & bit_of(signal)) != 0;
    const bool has = wanted != nullptr && sigismember(&wanted->sa_mask, SIGSEGV) == 1;
    if (has) {
        open_to_faults = *wanted;
        sigdelset(&open_to_faults.sa_mask, SIGSEGV);
    }
    const int failed = next_action(signal, has ? &open_to_faults : wanted, before);
    if (failed != 0) return failed;
    if (before != nullptr && had) sigaddset(&before->sa_mask, SIGSEGV);
    if (has)
        masks_with_fault.fetch_or(bit_of(signal), std::memory_order_relaxed);
    else if (wanted != nullptr)
        masks_with_fault.fetch_and(~bit_of(signal), std::memory_order_relaxed);
    return 0;
}

bool ignore_faults_if_ignored() noexcept {
    const struct sigaction program = program_action();
    if (!watching || program.sa_handler != SIG_IGN) return false;
    // A vfork child may have set another than its parent.
    struct sigaction stands = {};
    if (next_action(SIGSEGV, nullptr, &stands) != 0 || stands.sa_sigaction != handle) return false;
    return next_action(SIGSEGV, &program, nullptr) == 0;
}

void watch_faults_again() noexcept {
    const kept_errno keep;
    const struct sigaction ours = ours_before(program_action());
    next_action(SIGSEGV, &ours, nullptr);
}

int set_mask(int how, const sigset_t *wanted, sigset_t *before) noexcept {
    if (!watching) return next_mask(how, wanted, before);
    const bool was = fault_blocked;
    sigset_t open_to_faults;
    const bool has = wanted != nullptr && sigismember(wanted, SIGSEGV) == 1;
    if (wanted != nullptr) {
        open_to_faults = *wanted;
        if (how != SIG_UNBLOCK) sigdelset(&open_to_faults, SIGSEGV);
    }
    // Before the call: what waited comes out of it.
    if (wanted != nullptr) {
        if (how == SIG_BLOCK)
            fault_blocked = was || has;
        else if (how == SIG_UNBLOCK)
            fault_blocked = was && !has;
        else
            fault_blocked = has;
    }
    const int failed = next_mask(how, wanted != nullptr ? &open_to_faults : nullptr, before);
    if (failed != 0) {
        fault_blocked = was;
        return failed;
    }
    if (before != nullptr && was) sigaddset(before, SIGSEGV);
    return 0;
}

void look_at_buffer(const void *buffer, std::size_t size, const char *call) noexcept {
    if (!watching || size == 0 || !in_arena(buffer)) return;
    const auto begin = reinterpret_cast<std::uintptr_t>(buffer);
    const std::uintptr_t end = begin + size < begin ? UINTPTR_MAX : begin + size;
    // What lies beyond the block may never be reached by the system.
    const record *block = find_around(begin);
    const std::uintptr_t last =
        block != nullptr && payload_of(*block) + block->size > begin
            ? (end < payload_of(*block) + block->size ? end : payload_of(*block) + block->size)
            : begin + 1;
    for (std::uintptr_t at = begin; at < last; at = address_of(page_of(at) + 1)) {
        if (!is_closed(at)) continue;
        const kept_errno keep_errno;
        const inside here;
        if (!here) return;
        backtrace place;
        take_backtrace(place);
        tell_use({.address = at, .what = call, .by_system = true, .place = &place});
    }
}

} // namespace scratch::shim::check
