#include "shim/region/own_stack.hpp"

#include <algorithm>
#include <pthread.h>
#include <sys/resource.h>

#include "core/kept_errno.hpp"
#include "core/tasks.hpp"
#include "shim/heap/threads.hpp"
#include "shim/route/dynamic_symbols.hpp"

namespace scratch::shim {

namespace {

// The main thread's grows down to its limit at exec; the kernel keeps its own mappings away from
// there, and, where there is no limit, starts them at the other end.
constexpr rlim_t widest = rlim_t{64} << 20;
constinit std::uintptr_t largest_of_main = std::uintptr_t{8} << 20;

struct bounds {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
};

// By name: they moved from one library of glibc's to another, and their versions with them. Not by
// dlsym, which waits for others' dlopen.
template <typename Function>
Function *find(const char *name) noexcept {
    std::uintptr_t found = 0;
    for_each_object([&](const dl_phdr_info &object) {
        found = find_function(object, name, nullptr);
        return found != 0;
    });
    return reinterpret_cast<Function *>(found);
}

// What libc noted when it made the thread. Of the main thread it would read a file; there this
// serves a forked child only, whose stack was that of another thread.
bounds of_thread() noexcept {
    const auto read = find<decltype(pthread_getattr_np)>("pthread_getattr_np");
    const auto stack_in = find<decltype(pthread_attr_getstack)>("pthread_attr_getstack");
    const auto drop = find<decltype(pthread_attr_destroy)>("pthread_attr_destroy");
    pthread_attr_t attributes;
    if (read == nullptr || stack_in == nullptr || drop == nullptr ||
        read(pthread_self(), &attributes) != 0)
        return {};
    void *begin = nullptr;
    std::size_t size = 0;
    const bool found = stack_in(&attributes, &begin, &size) == 0;
    drop(&attributes);
    const auto first = reinterpret_cast<std::uintptr_t>(begin);
    return found ? bounds{first, first + size} : bounds{};
}

} // namespace

void note_largest_stack() noexcept {
    const kept_errno keep;
    rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) == 0)
        largest_of_main = static_cast<std::uintptr_t>(std::min(limit.rlim_cur, widest));
}

void learn_own_stack() noexcept {
    // A vfork child notes it in its parent's words, and its number is that of a first thread.
    if (is_own_stack_known() || is_vfork_child()) return;
    const kept_errno keep;
    const bool main_thread = tasks::is_first_thread() && !is_forked_child();
    const std::uintptr_t top = this_thread.stack_top;
    const bounds found = main_thread ? bounds{top - largest_of_main, top} : of_thread();
    this_thread.stack_begin = found.begin;
    this_thread.stack_size = found.end - found.begin;
}

} // namespace scratch::shim
