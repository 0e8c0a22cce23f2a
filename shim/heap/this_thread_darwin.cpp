// Words lie on pages of their own and outlive their threads: some thread that begins later takes
// them over, once the kernel says that their thread is gone. So a call that comes in a destructor
// or after the last one finds the words that the thread always had.
#include <atomic>
#include <cstddef>
#include <new>

#include "core/kept_errno.hpp"
#include "core/pages.hpp"
#include "core/tasks.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/observe/descriptor.hpp"

namespace scratch::shim {

constinit pthread_key_t key_of_words = 0;

namespace {

struct alignas(64) words_of_thread {
    thread_words words;
    std::atomic<tasks::task_id> thread{0};
    std::atomic<tasks::task_id> process{0};
};

constexpr std::size_t page_of_words = 16384;
constexpr std::size_t words_on_page = page_of_words / sizeof(words_of_thread);
constexpr std::size_t most_pages = 1024;
// A new thread asks the kernel about so many older ones.
constexpr std::size_t asked_at_start = 2;

constinit std::atomic<words_of_thread *> pages_of_words[most_pages] = {};
constinit std::atomic<std::size_t> used{0};
constinit std::atomic<std::size_t> next_asked{0};
constinit words_of_thread of_all_others;

// When a thread ends libpthread blanks what it had under each key, one after the other and several
// times over. The words come back at once: destructors of other keys run before the next round.
void keep_words(void *words) noexcept { pthread_setspecific(key_of_words, words); }

bool has_key() noexcept {
    static constinit std::atomic<int> state{0}; // 1: somebody makes it, 2: there, 3: there is none
    int seen = 0;
    if (state.compare_exchange_strong(seen, 1, std::memory_order_acquire)) {
        pthread_key_t made = 0;
        const bool done = pthread_key_create(&made, keep_words) == 0 && made != 0;
        if (done) __atomic_store_n(&key_of_words, made, __ATOMIC_RELEASE);
        state.store(done ? 2 : 3, std::memory_order_release);
        return done;
    }
    // The first call is made while the process has one thread.
    return seen == 2;
}

words_of_thread *words_at(std::size_t index) noexcept {
    words_of_thread *const page =
        pages_of_words[index / words_on_page].load(std::memory_order_acquire);
    return page == nullptr ? nullptr : page + index % words_on_page;
}

bool map_page(std::size_t number) noexcept {
    std::atomic<words_of_thread *> &place = pages_of_words[number];
    words_of_thread *seen = place.load(std::memory_order_acquire);
    if (seen != nullptr) return true;
    void *const mapped = pages::reserve(page_of_words, 0);
    if (mapped == nullptr) return false;
    if (!pages::commit(mapped, page_of_words) ||
        !place.compare_exchange_strong(seen, static_cast<words_of_thread *>(mapped),
                                       std::memory_order_acq_rel))
        pages::release(mapped, page_of_words);
    return place.load(std::memory_order_acquire) != nullptr;
}

// Words of a forked child's parent are nobody's to judge: the kernel knows none of their threads.
words_of_thread *take_from_dead(tasks::task_id process, tasks::task_id thread) noexcept {
    const std::size_t all = used.load(std::memory_order_acquire);
    for (std::size_t look = 0; look < asked_at_start && look < all; ++look) {
        words_of_thread *const at =
            words_at(next_asked.fetch_add(1, std::memory_order_relaxed) % all);
        if (at == nullptr || at->process.load(std::memory_order_relaxed) != process) continue;
        tasks::task_id owner = at->thread.load(std::memory_order_acquire);
        if (owner == 0 || !tasks::is_gone(process, owner)) continue;
        if (at->thread.compare_exchange_strong(owner, thread, std::memory_order_acq_rel)) return at;
    }
    return nullptr;
}

words_of_thread *take_new() noexcept {
    std::size_t index = used.load(std::memory_order_relaxed);
    do {
        if (index >= most_pages * words_on_page || !map_page(index / words_on_page)) return nullptr;
    } while (!used.compare_exchange_weak(index, index + 1, std::memory_order_acq_rel));
    return words_at(index);
}

} // namespace

thread_words *make_words_of_this_thread() noexcept {
    if (!has_key()) return &of_all_others.words;
    const kept_errno keep;
    const tasks::task_id process = tasks::this_process();
    const tasks::task_id thread = tasks::calling_thread();
    words_of_thread *taken = take_from_dead(process, thread);
    if (taken == nullptr) taken = take_new();
    if (taken == nullptr) return &of_all_others.words;
    new (&taken->words) thread_words;
    if (pthread_setspecific(key_of_words, taken) != 0) return &of_all_others.words;
    taken->thread.store(thread, std::memory_order_relaxed);
    taken->process.store(process, std::memory_order_release);
    return &taken->words;
}

} // namespace scratch::shim
