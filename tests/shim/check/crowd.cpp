// Programs of many threads that make no mistake: blocks wander between them, and are freed at once.
#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <queue>
#include <scratch/annotate.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

template <typename T>
T hidden(T value) {
    __asm__ volatile("" : "+r"(value)::"memory");
    return value;
}

char *make_block(std::size_t size) {
    auto *block = static_cast<char *>(hidden(malloc(size)));
    std::memset(block, 'a', size);
    return block;
}

int threads() {
    std::vector<std::thread> all;
    std::array<std::atomic<char *>, 64> handed_over = {};
    for (int number = 0; number < 4; ++number)
        all.emplace_back([&handed_over] {
            for (std::size_t i = 0; i < 5000; ++i) {
                SCRATCH_REGION("of a thread", SCRATCH_TRUSTED);
                make_block(i % 300);
                std::thread::id id; // something in between
                hidden(&id);
            }
            for (std::size_t i = 0; i < 20000; ++i)
                free(handed_over[i % 64].exchange(make_block(i % 500)));
        });
    for (std::thread &one : all)
        one.join();
    for (auto &block : handed_over)
        free(block.load());
    for (int number = 0; number < 300; ++number)
        std::thread([] { free(make_block(100)); }).join();
    std::puts("joined");
    return 0;
}

// Neighbours on a page, and blocks that reach into the next one, are freed by several threads.
int queue() {
    std::mutex lock;
    std::condition_variable filled;
    std::queue<std::unique_ptr<std::string>> waiting;
    bool over = false;
    std::vector<std::thread> consumers;
    for (int number = 0; number < 3; ++number)
        consumers.emplace_back([&] {
            for (;;) {
                std::unique_ptr<std::string> taken;
                std::unique_lock<std::mutex> held(lock);
                filled.wait(held, [&] { return over || !waiting.empty(); });
                if (waiting.empty()) return;
                taken = std::move(waiting.front());
                waiting.pop();
                held.unlock();
            }
        });
    for (std::size_t i = 0; i < 60000; ++i) {
        auto made = std::make_unique<std::string>(i % 300, 'z');
        const std::lock_guard<std::mutex> held(lock);
        waiting.push(std::move(made));
        filled.notify_one();
    }
    {
        const std::lock_guard<std::mutex> held(lock);
        over = true;
    }
    filled.notify_all();
    for (std::thread &one : consumers)
        one.join();
    std::puts("all taken");
    return 0;
}

int forks_among_threads() {
    std::atomic<bool> over = false;
    std::vector<std::thread> all;
    for (int number = 0; number < 2; ++number)
        all.emplace_back([&over] {
            while (!over)
                free(make_block(700));
        });
    int failed = 0;
    for (int round = 0; round < 100; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            for (std::size_t i = 0; i < 100; ++i) {
                SCRATCH_REGION("of a child", SCRATCH_TRUSTED);
                free(make_block(i * 10));
            }
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        failed += status != 0;
    }
    over = true;
    for (std::thread &one : all)
        one.join();
    std::printf("failed %d\n", failed);
    return 0;
}

} // namespace

int main(int count, char **arguments) {
    if (count != 2) return 125;
    if (std::strcmp(arguments[1], "threads") == 0) return threads();
    if (std::strcmp(arguments[1], "queue") == 0) return queue();
    if (std::strcmp(arguments[1], "forks_among_threads") == 0) return forks_among_threads();
    return 125;
}
