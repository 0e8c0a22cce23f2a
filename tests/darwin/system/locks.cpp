// Locks. macOS's objects begin with a signature, which tells whether and how they were initialised;
// the host's objects lie behind it where they fit, else in memory of their own.
#include "errors.hpp"
#include "names.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <linux/futex.h>
#include <new>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace darwin::locks {
namespace {

constexpr long made = 0x4d555458;
constexpr long being_made = 0x6d616b65;
constexpr long static_recursive = 0x32aaaba2;
constexpr long static_error_checking = 0x32aaaba1;

struct mutex {
    std::atomic<long> signature;
    pthread_mutex_t of_host; // zeroes are the host's initial value too
};
static_assert(sizeof(mutex) <= 64);

struct mutex_attributes {
    long signature;
    pthread_mutexattr_t of_host;
};
static_assert(sizeof(mutex_attributes) <= 16);

void make_with_kind(mutex *wanted, int kind) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, kind);
    pthread_mutex_init(&wanted->of_host, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

/// The host's, made at the first use where the initial value asks for a kind.
pthread_mutex_t *host(mutex *wanted) {
    long signature = wanted->signature.load(std::memory_order_acquire);
    while (signature == static_recursive || signature == static_error_checking) {
        const bool is_recursive = signature == static_recursive;
        if (!wanted->signature.compare_exchange_strong(signature, being_made,
                                                       std::memory_order_acq_rel))
            continue;
        make_with_kind(wanted, is_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_ERRORCHECK);
        wanted->signature.store(made, std::memory_order_release);
        signature = made;
    }
    while (wanted->signature.load(std::memory_order_acquire) == being_made)
        sched_yield();
    return &wanted->of_host;
}

int mutex_init(mutex *wanted, const mutex_attributes *attributes) {
    wanted->signature.store(made, std::memory_order_relaxed);
    return errors::from_host(pthread_mutex_init(
        &wanted->of_host, attributes != nullptr ? &attributes->of_host : nullptr));
}
int mutex_destroy(mutex *wanted) { return errors::from_host(pthread_mutex_destroy(host(wanted))); }
int mutex_lock(mutex *wanted) { return errors::from_host(pthread_mutex_lock(host(wanted))); }
int mutex_trylock(mutex *wanted) { return errors::from_host(pthread_mutex_trylock(host(wanted))); }
int mutex_unlock(mutex *wanted) { return errors::from_host(pthread_mutex_unlock(host(wanted))); }

int attributes_init(mutex_attributes *of) {
    of->signature = made;
    return pthread_mutexattr_init(&of->of_host);
}
int attributes_destroy(mutex_attributes *of) { return pthread_mutexattr_destroy(&of->of_host); }
int attributes_set_type(mutex_attributes *of, int type) {
    constexpr int error_checking = 1;
    constexpr int recursive = 2;
    if (type < 0 || type > recursive) return EINVAL;
    return pthread_mutexattr_settype(&of->of_host, type == recursive ? PTHREAD_MUTEX_RECURSIVE
                                                   : type == error_checking
                                                       ? PTHREAD_MUTEX_ERRORCHECK
                                                       : PTHREAD_MUTEX_NORMAL);
}

// 48 bytes, as many as the host's alone has: that one lies elsewhere.
struct condition {
    long signature;
    std::atomic<pthread_cond_t *> of_host;
};

pthread_cond_t *host(condition *wanted) {
    pthread_cond_t *known = wanted->of_host.load(std::memory_order_acquire);
    if (known != nullptr) return known;
    auto *const fresh = new pthread_cond_t(PTHREAD_COND_INITIALIZER);
    if (wanted->of_host.compare_exchange_strong(known, fresh, std::memory_order_acq_rel))
        return fresh;
    delete fresh;
    return known;
}

int condition_init(condition *wanted, const void *) {
    wanted->signature = made;
    wanted->of_host.store(nullptr, std::memory_order_relaxed);
    host(wanted);
    return 0;
}
int condition_destroy(condition *wanted) {
    pthread_cond_t *const known = wanted->of_host.exchange(nullptr);
    if (known != nullptr) pthread_cond_destroy(known);
    delete known;
    return 0;
}
int condition_signal(condition *wanted) { return pthread_cond_signal(host(wanted)); }
int condition_broadcast(condition *wanted) { return pthread_cond_broadcast(host(wanted)); }
int condition_wait(condition *wanted, mutex *held) {
    return errors::from_host(pthread_cond_wait(host(wanted), host(held)));
}
int condition_timed_wait(condition *wanted, mutex *held, const timespec *until) {
    return errors::from_host(pthread_cond_timedwait(host(wanted), host(held), until));
}
int condition_relative_wait(condition *wanted, mutex *held, const timespec *time) {
    timespec until{};
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += time->tv_sec;
    until.tv_nsec += time->tv_nsec;
    if (until.tv_nsec >= 1'000'000'000) {
        until.tv_nsec -= 1'000'000'000;
        ++until.tv_sec;
    }
    return condition_timed_wait(wanted, held, &until);
}

struct reader_writer {
    long signature;
    pthread_rwlock_t of_host;
};
static_assert(sizeof(reader_writer) <= 200);

int reader_writer_init(reader_writer *wanted, const void *) {
    wanted->signature = made;
    return pthread_rwlock_init(&wanted->of_host, nullptr);
}
int reader_writer_destroy(reader_writer *wanted) {
    return pthread_rwlock_destroy(&wanted->of_host);
}
int read_lock(reader_writer *wanted) {
    return errors::from_host(pthread_rwlock_rdlock(&wanted->of_host));
}
int write_lock(reader_writer *wanted) {
    return errors::from_host(pthread_rwlock_wrlock(&wanted->of_host));
}
int try_read_lock(reader_writer *wanted) {
    return errors::from_host(pthread_rwlock_tryrdlock(&wanted->of_host));
}
int try_write_lock(reader_writer *wanted) {
    return errors::from_host(pthread_rwlock_trywrlock(&wanted->of_host));
}
int reader_writer_unlock(reader_writer *wanted) {
    return errors::from_host(pthread_rwlock_unlock(&wanted->of_host));
}

struct once {
    long signature;
    pthread_once_t of_host;
};
static_assert(sizeof(once) <= 16);

int run_once(once *which, void (*function)()) { return pthread_once(&which->of_host, function); }

// os_unfair_lock and OSSpinLock: a word that is 0 when nobody has it.
using word = std::atomic<std::uint32_t>;

bool try_word(word *lock) {
    std::uint32_t nobody = 0;
    return lock->compare_exchange_strong(nobody, static_cast<std::uint32_t>(gettid()),
                                         std::memory_order_acquire);
}
void lock_word(word *lock) {
    // macOS stops a program that takes such a lock twice.
    if (lock->load(std::memory_order_relaxed) == static_cast<std::uint32_t>(gettid())) abort();
    while (!try_word(lock))
        sched_yield();
}
void unlock_word(word *lock) {
    if (lock->load(std::memory_order_relaxed) != static_cast<std::uint32_t>(gettid())) abort();
    lock->store(0, std::memory_order_release);
}

// What atomics wait with. The low byte of the operation is the size and the way of comparing.
constexpr std::uint32_t compare_32 = 1;
constexpr std::uint32_t wake_all = 0x100;

int wait_for_word(std::uint32_t operation, void *address, std::uint64_t value,
                  std::uint32_t microseconds) {
    if ((operation & 0xff) != compare_32) {
        // 64 bits are not what a futex compares; who is woken too early looks again.
        sched_yield();
        return 0;
    }
    const timespec time{microseconds / 1'000'000, microseconds % 1'000'000 * 1000L};
    const long result =
        syscall(SYS_futex, address, FUTEX_WAIT_PRIVATE, static_cast<std::uint32_t>(value),
                microseconds == 0 ? nullptr : &time, nullptr, 0);
    return result == 0 || errno == EAGAIN ? 0 : -1;
}

int wake_word(std::uint32_t operation, void *address, std::uint64_t) {
    syscall(SYS_futex, address, FUTEX_WAKE_PRIVATE, (operation & wake_all) != 0 ? INT32_MAX : 1,
            nullptr, nullptr, 0);
    return 0;
}

// libdispatch's semaphores, which C++'s are made of.
sem_t *create_semaphore(long value) {
    auto *const semaphore = new sem_t;
    sem_init(semaphore, 0, static_cast<unsigned>(value));
    return semaphore;
}
long signal_semaphore(sem_t *semaphore) { return sem_post(semaphore); }
long wait_for_semaphore(sem_t *semaphore, std::uint64_t until) {
    if (until == 0) return sem_trywait(semaphore) == 0 ? 0 : 1;
    while (sem_wait(semaphore) != 0) {
    }
    return 0;
}
void release_object(sem_t *semaphore) { delete semaphore; }

} // namespace
} // namespace darwin::locks

namespace darwin::system {

std::span<const entry> lock_names() {
    using namespace darwin::locks;
    static const entry names[] = {
        function("pthread_mutex_init", mutex_init),
        function("pthread_mutex_destroy", mutex_destroy),
        function("pthread_mutex_lock", mutex_lock),
        function("pthread_mutex_trylock", mutex_trylock),
        function("pthread_mutex_unlock", mutex_unlock),
        function("pthread_mutexattr_init", attributes_init),
        function("pthread_mutexattr_destroy", attributes_destroy),
        function("pthread_mutexattr_settype", attributes_set_type),
        function("pthread_cond_init", condition_init),
        function("pthread_cond_destroy", condition_destroy),
        function("pthread_cond_signal", condition_signal),
        function("pthread_cond_broadcast", condition_broadcast),
        function("pthread_cond_wait", condition_wait),
        function("pthread_cond_timedwait", condition_timed_wait),
        function("pthread_cond_timedwait_relative_np", condition_relative_wait),
        function("pthread_rwlock_init", reader_writer_init),
        function("pthread_rwlock_destroy", reader_writer_destroy),
        function("pthread_rwlock_rdlock", read_lock),
        function("pthread_rwlock_wrlock", write_lock),
        function("pthread_rwlock_tryrdlock", try_read_lock),
        function("pthread_rwlock_trywrlock", try_write_lock),
        function("pthread_rwlock_unlock", reader_writer_unlock),
        function("pthread_once", run_once),
        function("os_unfair_lock_lock", lock_word),
        function("os_unfair_lock_trylock", try_word),
        function("os_unfair_lock_unlock", unlock_word),
        function("OSSpinLockLock", lock_word),
        function("OSSpinLockTry", try_word),
        function("OSSpinLockUnlock", unlock_word),
        function("__ulock_wait", wait_for_word),
        function("__ulock_wake", wake_word),
        function("dispatch_semaphore_create", create_semaphore),
        function("dispatch_semaphore_signal", signal_semaphore),
        function("dispatch_semaphore_wait", wait_for_semaphore),
        function("dispatch_release", release_object),
    };
    return names;
}

} // namespace darwin::system
