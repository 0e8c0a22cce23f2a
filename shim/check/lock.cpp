#include "shim/check/lock.hpp"

#include <array>
#include <atomic>
#include <sched.h>
#include <sys/mman.h>

#include "core/pages.hpp"

namespace scratch::shim::check {

namespace {

using words = std::array<std::atomic<std::uintptr_t>, static_cast<std::size_t>(guarded::count)>;
constinit words unwatched = {};
constinit words *holders = &unwatched;

} // namespace

locked::locked(guarded what) noexcept : what_(what) {
    // Its control block names a thread without a system call.
    const auto self = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
    std::atomic<std::uintptr_t> &word = (*holders)[static_cast<std::size_t>(what)];
    std::uintptr_t holder = 0;
    while (!word.compare_exchange_weak(holder, self, std::memory_order_acquire)) {
        if (holder == self) return;
        holder = 0;
        sched_yield();
    }
}

locked::~locked() {
    (*holders)[static_cast<std::size_t>(what_)].store(0, std::memory_order_release);
}

void open_locks() noexcept {
    const std::size_t size = pages::page_size();
    void *page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    if (pages::wipe_on_fork(page, size))
        holders = static_cast<words *>(page);
    else
        munmap(page, size);
}

} // namespace scratch::shim::check
