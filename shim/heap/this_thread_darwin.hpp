// The words of the calling thread, behind a key of libpthread. Not __thread: the first access to
// such a variable on a thread makes the loader call malloc, which is ours and would come here again
// (macOS 11), and a key is what the loader takes for them, too. To get and to set one allocates
// nothing.
#pragma once

#include <cstdint>
#include <thread> // its namespace std::this_thread, before the name means something else

#include <pthread.h>

namespace scratch::shim {

struct thread_words;

// 0: not made yet. Keys that programs get are never 0, which is libpthread's own.
extern pthread_key_t key_of_words __attribute__((visibility("hidden")));

// Words for a thread that has none. Never null: where there is no memory and no key, those of all
// such threads together, which nothing is pushed by.
thread_words *make_words_of_this_thread() noexcept;

// The same for a thread as long as it runs, so that a function asks once.
[[gnu::const]] inline thread_words *find_words_of_this_thread() noexcept {
    void *known = key_of_words != 0 ? pthread_getspecific(key_of_words) : nullptr;
    return known != nullptr ? static_cast<thread_words *>(known) : make_words_of_this_thread();
}

} // namespace scratch::shim

#define this_thread (*::scratch::shim::find_words_of_this_thread())
