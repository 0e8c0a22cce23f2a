// Threads. pthread_t is a pointer on macOS and a number here, of the same size: it is passed
// through.
#include "threads.hpp"

#include "errors.hpp"
#include "names.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace darwin::threads {
namespace {

// Its threads have half a megabyte of stack where nothing else is asked for.
constexpr std::size_t usual_stack = 512 * 1024;
constexpr std::size_t least_stack = 16 * 1024;

// macOS's has its signature in front; the host's fits behind it. 64 bytes.
struct attributes {
    long signature;
    pthread_attr_t of_host;
};
static_assert(sizeof(attributes) <= 64);

constexpr int detached = 2;

struct known_thread {
    std::atomic<pthread_t> thread{0};
    std::atomic<pid_t> number{0};
};

// Threads that run now; a place is free where the number is 0.
std::array<known_thread, 4096> known;
pthread_key_t end_of_thread;
std::once_flag is_prepared;

void forget_thread(void *place) {
    auto *const mine = static_cast<known_thread *>(place);
    mine->thread.store(0, std::memory_order_relaxed);
    mine->number.store(0, std::memory_order_release);
}

void remember_thread(pthread_t thread) {
    for (known_thread &at : known) {
        pid_t nobody = 0;
        if (!at.number.compare_exchange_strong(nobody, gettid(), std::memory_order_acq_rel))
            continue;
        at.thread.store(thread, std::memory_order_release);
        pthread_setspecific(end_of_thread, &at);
        return;
    }
}

/// In a child of fork: one thread is left, under a new number.
void after_fork() {
    for (known_thread &at : known) {
        if (at.number.load(std::memory_order_relaxed) == 0) continue;
        const bool is_own = at.thread.load(std::memory_order_relaxed) == pthread_self();
        at.number.store(is_own ? gettid() : 0, std::memory_order_release);
    }
}

struct beginning {
    void *(*function)(void *);
    void *argument;
};

void *begin(void *memory) {
    const beginning what = *static_cast<beginning *>(memory);
    delete static_cast<beginning *>(memory);
    remember_thread(pthread_self());
    return what.function(what.argument);
}

int create(pthread_t *thread, const attributes *wanted, void *(*function)(void *), void *argument) {
    std::call_once(is_prepared, [] {
        pthread_key_create(&end_of_thread, forget_thread);
        pthread_atfork(nullptr, nullptr, after_fork);
    });
    pthread_attr_t usual;
    pthread_attr_init(&usual);
    pthread_attr_setstacksize(&usual, usual_stack);
    auto *const what = new beginning{function, argument};
    const int result =
        pthread_create(thread, wanted != nullptr ? &wanted->of_host : &usual, begin, what);
    pthread_attr_destroy(&usual);
    if (result != 0) delete what;
    return errors::from_host(result);
}

int attributes_init(attributes *made) {
    made->signature = 0x54484441;
    pthread_attr_init(&made->of_host);
    return pthread_attr_setstacksize(&made->of_host, usual_stack);
}
int attributes_destroy(attributes *gone) { return pthread_attr_destroy(&gone->of_host); }
int attributes_set_stack_size(attributes *of, std::size_t size) {
    if (size < least_stack || size % 4096 != 0) return EINVAL;
    return pthread_attr_setstacksize(&of->of_host, size);
}
int attributes_stack_size(const attributes *of, std::size_t *size) {
    return pthread_attr_getstacksize(&of->of_host, size);
}
int attributes_set_detached(attributes *of, int state) {
    return pthread_attr_setdetachstate(&of->of_host, state == detached ? PTHREAD_CREATE_DETACHED
                                                                       : PTHREAD_CREATE_JOINABLE);
}
int attributes_set_stack(attributes *of, void *address, std::size_t size) {
    return pthread_attr_setstack(&of->of_host, address, size);
}
int attributes_set_guard(attributes *of, std::size_t size) {
    return pthread_attr_setguardsize(&of->of_host, size);
}

int join(pthread_t thread, void **result) {
    return errors::from_host(pthread_join(thread, result));
}
int detach(pthread_t thread) { return errors::from_host(pthread_detach(thread)); }
int equal(pthread_t one, pthread_t other) { return one == other; }

struct stack_place {
    char *end;
    std::size_t size;
};

stack_place stack_of(pthread_t thread) {
    pthread_attr_t of{};
    void *first = nullptr;
    std::size_t size = 0;
    if (pthread_getattr_np(thread, &of) != 0) return {nullptr, 0};
    pthread_attr_getstack(&of, &first, &size);
    pthread_attr_destroy(&of);
    return {static_cast<char *>(first) + size, size};
}

// The high end, where stacks begin.
void *stack_address(pthread_t thread) { return stack_of(thread).end; }
std::size_t stack_size(pthread_t thread) { return stack_of(thread).size; }

int thread_number(pthread_t thread, std::uint64_t *number) {
    const pid_t found = thread == 0 ? gettid() : number_of(thread);
    if (number == nullptr) return EINVAL;
    if (found == 0) return ESRCH;
    *number = static_cast<std::uint64_t>(found);
    return 0;
}

std::uint64_t own_number() { return static_cast<std::uint64_t>(gettid()); }
std::uint32_t port_of(pthread_t thread) { return static_cast<std::uint32_t>(number_of(thread)); }

pthread_t thread_of_port(std::uint32_t port) {
    for (known_thread &at : known)
        if (at.number.load(std::memory_order_acquire) == static_cast<pid_t>(port))
            return at.thread.load();
    return static_cast<pid_t>(port) == gettid() ? pthread_self() : 0;
}

int is_main_thread() { return gettid() == getpid() ? 1 : 0; }
int is_threaded() { return 1; }

// Only of oneself.
int set_name(const char *name) {
    char short_name[16] = {};
    strncpy(short_name, name, sizeof short_name - 1);
    return pthread_setname_np(pthread_self(), short_name);
}
int name_of(pthread_t thread, char *name, std::size_t size) {
    return pthread_getname_np(thread, name, size);
}

int set_cancel_state(int state, int *old) {
    // ENABLE is 1 there and 0 here.
    int before = 0;
    const int result = pthread_setcancelstate(
        state == 1 ? PTHREAD_CANCEL_ENABLE : PTHREAD_CANCEL_DISABLE, &before);
    if (old != nullptr) *old = before == PTHREAD_CANCEL_ENABLE ? 1 : 0;
    return result;
}

// Keys are of another size, and the first ones are the system's own: a program never gets 0.
constexpr unsigned long first_key = 256;
pthread_key_t host_key(unsigned long key) { return static_cast<pthread_key_t>(key - first_key); }

int create_key(unsigned long *key, void (*end)(void *)) {
    pthread_key_t made = 0;
    const int result = pthread_key_create(&made, end);
    *key = made + first_key;
    return errors::from_host(result);
}
int delete_key(unsigned long key) { return pthread_key_delete(host_key(key)); }
void *specific(unsigned long key) { return pthread_getspecific(host_key(key)); }
int set_specific(unsigned long key, const void *value) {
    return errors::from_host(pthread_setspecific(host_key(key), value));
}

int at_fork(void (*prepare)(), void (*parent)(), void (*child)()) {
    return pthread_atfork(prepare, parent, child);
}
int yield() { return sched_yield(); }
void jit_write_protect(int) {}

// A thread-local object's end; `tlv_atexit` is C++'s way there.
extern "C" int __cxa_thread_atexit_impl(void (*end)(void *), void *object, void *image);
extern "C" void *__dso_handle;
void at_thread_exit(void (*end)(void *), void *object) {
    __cxa_thread_atexit_impl(end, object, &__dso_handle);
}

} // namespace

pid_t number_of(pthread_t thread) {
    if (thread == pthread_self()) return gettid();
    for (known_thread &at : known)
        if (at.thread.load(std::memory_order_acquire) == thread)
            return at.number.load(std::memory_order_relaxed);
    // The first thread is in nobody's list.
    return getpid();
}

bool is_alive(pid_t number) { return syscall(SYS_tgkill, getpid(), number, 0) == 0; }

} // namespace darwin::threads

namespace darwin::system {

std::span<const entry> thread_names() {
    using namespace darwin::threads;
    static const entry names[] = {
        function("pthread_create", create),
        function("pthread_join", join),
        function("pthread_detach", detach),
        function("pthread_exit", pthread_exit),
        function("pthread_self", pthread_self),
        function("pthread_equal", darwin::threads::equal),
        function("pthread_attr_init", attributes_init),
        function("pthread_attr_destroy", attributes_destroy),
        function("pthread_attr_setstacksize", attributes_set_stack_size),
        function("pthread_attr_getstacksize", attributes_stack_size),
        function("pthread_attr_setdetachstate", attributes_set_detached),
        function("pthread_attr_setstack", attributes_set_stack),
        function("pthread_attr_setguardsize", attributes_set_guard),
        function("pthread_get_stackaddr_np", stack_address),
        function("pthread_get_stacksize_np", stack_size),
        function("pthread_threadid_np", thread_number),
        function("thread_selfid", own_number),
        function("pthread_mach_thread_np", port_of),
        function("pthread_from_mach_thread_np", thread_of_port),
        function("pthread_main_np", is_main_thread),
        function("pthread_is_threaded_np", is_threaded),
        function("pthread_setname_np", set_name),
        function("pthread_getname_np", name_of),
        function("pthread_setcancelstate", set_cancel_state),
        function("pthread_key_create", create_key),
        function("pthread_key_delete", delete_key),
        function("pthread_getspecific", specific),
        function("pthread_setspecific", set_specific),
        function("pthread_atfork", at_fork),
        function("pthread_yield_np", yield),
        function("pthread_jit_write_protect_np", jit_write_protect),
        function("sched_yield", yield),
        function("_tlv_atexit", at_thread_exit),
    };
    return names;
}

} // namespace darwin::system
