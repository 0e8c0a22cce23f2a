// While a thread takes the addresses for all stacks, the others are served, and so is a child
// forked meanwhile.
#include <atomic>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

std::atomic<bool> stop_reservations{false};
std::atomic<bool> is_reserving{false};

} // namespace

// In front of libc's, for the shim too: the first reservation lasts.
extern "C" void *mmap(void *address, std::size_t size, int protection, int flags, int file,
                      off_t offset) noexcept {
    if (protection == PROT_NONE && size >= (std::size_t{1} << 30)) {
        const bool first = !is_reserving.exchange(true);
        while (first && stop_reservations)
            usleep(1000);
    }
    return reinterpret_cast<void *>(
        syscall(SYS_mmap, address, size, protection, flags, file, offset));
}

namespace {

bool is_served_in_region() {
    SCRATCH_REGION("work");
    void *first = malloc(100);
    void *second = malloc(3000);
    // Neighbours on a stack: whose range of addresses it is cannot be known yet.
    const bool served = static_cast<char *>(second) == static_cast<char *>(first) + 128;
    free(second);
    free(first);
    return served;
}

SCENARIO(fork_while_reserving) {
    stop_reservations = true;
    std::thread thread([] { REQUIRE(is_served_in_region()); });
    while (!is_reserving)
        usleep(1000);
    const pid_t child = fork();
    if (child == 0) {
        stop_reservations = false;
        _exit(is_served_in_region() ? 7 : 8);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    stop_reservations = false;
    thread.join();
    REQUIRE(is_served_in_region());
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    return 0;
}

SCENARIO(come_while_reserving) {
    stop_reservations = true;
    std::thread thread([] { REQUIRE(is_served_in_region()); });
    while (!is_reserving)
        usleep(1000);
    for (int i = 0; i < 10; ++i)
        REQUIRE(is_served_in_region());
    stop_reservations = false;
    thread.join();
    REQUIRE(is_served_in_region());
    return 0;
}

// Without statistics: for them the first call of malloc takes the addresses.
TEST(threads, that_come_while_another_starts_are_served) {
    const outcome result = run(come_while_reserving, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

TEST(children, of_parents_that_were_starting_are_served) {
    const outcome result = run(fork_while_reserving, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
