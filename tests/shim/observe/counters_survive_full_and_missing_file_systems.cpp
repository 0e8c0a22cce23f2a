// Promise: a file system that is full, read-only or missing costs the file, never a signal. Needs a
// mount namespace of its own: where that is not to be had, the test says so and is skipped (77).
#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/counters.hpp"
#include "tests/shim/observe/child.hpp"

#include <cstdio>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

using namespace scratch::shim;

namespace {

bool own_mounts() {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// As a process under the shim: opens, counts, closes. Fails if the file was made although it could
// not be.
int count_something() {
    const configuration options;
    const void *before = &counters();
    open_counters(options, nullptr, false);
    counters().scratch_calls += 3;
    const bool without_file = &counters() == before;
    close_counters();
    return without_file && counters().scratch_calls == 3 ? 0 : 1;
}

void fill(const char *path) {
    const int descriptor = open(path, O_CREAT | O_WRONLY, 0600);
    const std::string bytes(4096, 'x');
    while (write(descriptor, bytes.data(), bytes.size()) > 0) {
    }
    close(descriptor);
}

} // namespace

TEST(counters, survive_a_full_file_system) {
    const child_outcome outcome = in_child([] {
        if (!own_mounts() || mount("none", "/dev/shm", "tmpfs", 0, "size=64k") != 0) return 2;
        fill("/dev/shm/filler");
        return count_something();
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(counters, survive_a_file_system_that_fills_up_later) {
    const child_outcome outcome = in_child([] {
        if (!own_mounts() || mount("none", "/dev/shm", "tmpfs", 0, "size=64k") != 0) return 2;
        const configuration options;
        open_counters(options, nullptr, false);
        fill("/dev/shm/filler");
        counters().scratch_calls += 3; // in a hole this would raise SIGBUS
        close_counters();
        return 0;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(counters, survive_a_file_system_without_free_names) {
    const child_outcome outcome = in_child([] {
        if (!own_mounts() || mount("none", "/dev/shm", "tmpfs", 0, "nr_inodes=1") != 0) return 2;
        return count_something();
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(counters, survive_a_read_only_file_system) {
    const child_outcome outcome = in_child([] {
        if (!own_mounts() || mount("none", "/dev/shm", "tmpfs", MS_RDONLY, nullptr) != 0) return 2;
        return count_something();
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(counters, survive_without_shared_memory_and_proc) {
    const child_outcome outcome = in_child([] {
        if (!own_mounts() || mount("none", "/dev", "tmpfs", 0, nullptr) != 0) return 2;
        if (mount("none", "/proc", "tmpfs", 0, nullptr) != 0) return 2;
        return count_something();
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

TEST(counters, survive_a_change_of_the_root_while_open) {
    scratch_folder root;
    const child_outcome outcome = in_child([&] {
        if (!own_mounts() || mount("none", "/dev/shm", "tmpfs", 0, nullptr) != 0) return 2;
        const configuration options;
        open_counters(options, nullptr, false);
        if (chroot(root.path.c_str()) != 0 || chdir("/") != 0) return 2;
        counters().scratch_calls += 3;
        close_counters();
        return 0;
    });
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.status;
}

int main(int count, char **words) {
    testing::InitGoogleTest(&count, words);
    if (!in_child([] { return own_mounts() ? 0 : 1; }).exited_with(0)) {
        std::puts(
            "SKIPPED: no mount namespace of our own (unshare is refused here), so file systems "
            "cannot be made full, read-only or missing");
        return 77;
    }
    return RUN_ALL_TESTS();
}
