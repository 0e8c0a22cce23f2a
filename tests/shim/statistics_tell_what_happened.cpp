// The statistics of a program whose calls are known are right, go where they were asked to go, and
// change nothing of the program's own output and end.
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "scenario.hpp"
#include "scratch_memory.hpp"
#include "system.hpp"

namespace {

// --- numbers
// ----------------------------------------------------------------------------------------

SCENARIO(nothing) { return 0; }

SCENARIO(known_calls) {
    // 3 regions; 350 calls to scratch of 100 bytes (each with a header, in steps of 16), 1 of 2
    // MiB; 5 escapes of 200 bytes.
    for (int round = 0; round < 2; ++round) {
        SCRATCH_REGION("known");
        for (int i = 0; i < 100; ++i)
            free(malloc(100));
    }
    static void *kept[5];
    {
        SCRATCH_REGION("escapes");
        for (void *&block : kept)
            block = malloc(200);
        free(malloc(2 << 20));
    }
    for (int i = 0; i < 150; ++i)
        scratch_free(scratch_alloc(100));
    for (int i = 0; i < 1000; ++i)
        free(malloc(3000));
    std::thread([] {
        for (void *block : kept)
            free(block);
    }).join();
    return 0;
}

TEST(statistics, are_right_for_known_calls) {
    const outcome result = run(known_calls);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 3u);
    EXPECT_EQ(result.count("scratch_calls"), 356u);
    EXPECT_GE(result.count("scratch_bytes"), 350u * 100 + (2u << 20) + 5 * 200);
    EXPECT_LE(result.count("scratch_bytes"), 350u * 128 + (2u << 20) + 5 * 224 + 65536);
    EXPECT_EQ(result.count("escapes"), 5u);
    EXPECT_GE(result.count("escaped_bytes"), 1000u);
    EXPECT_LE(result.count("escaped_bytes"), 1100u);
    EXPECT_EQ(result.count("remote_frees"), 5u);
    // What the test's own runtime allocates at its start depends on the environment.
    const outcome alone = run(nothing);
    EXPECT_GE(result.count("next_calls"), alone.count("next_calls") + 1000);
    EXPECT_LE(result.count("next_calls"), alone.count("next_calls") + 1020); // the thread's
    EXPECT_GE(result.count("next_bytes"), 3000000u);
    EXPECT_GE(result.count("large_bytes_peak"), 2u << 20);
    EXPECT_EQ(result.count("large_bytes"), 0u);
    EXPECT_EQ(result.count("chunk_bytes_peak"), 128u << 10);
    EXPECT_EQ(result.count("budget_refusals"), 0u);
    EXPECT_EQ(result.count("pid"), static_cast<std::uint64_t>(result.process));
    EXPECT_NE(result.reports.at(result.process).find("\"nothing_gained\":false"),
              std::string::npos);
}

// Blocks that pin their chunks; and a large block whose bytes must not be read as headers.
// libc makes each by a malloc of its own.
SCENARIO(texts_outside_regions) {
    static char text[100] = "text";
    static wchar_t wide[100] = L"wide";
    for (int i = 0; i < 1000; ++i) {
        free(strdup(text));
        free(strndup(text, 3));
        free(wcsdup(wide));
    }
    return 0;
}
TEST(statistics, count_a_text_once) {
    for (const char *mode : {"scoped", "adaptive"}) {
        const outcome alone = run(nothing, {.mode = mode});
        const outcome result = run(texts_outside_regions, {.mode = mode});
        ASSERT_TRUE(result.exited_with(0)) << result.describe();
        const auto calls = [](const outcome &of) {
            return of.count("next_calls") + of.count("scratch_calls");
        };
        EXPECT_GE(calls(result), calls(alone) + 3000) << mode;
        EXPECT_LE(calls(result), calls(alone) + 3010) << mode;
    }
}

#ifndef __APPLE__ // plugins are built for ELF
// The library whose blocks escape is closed before the end.
SCENARIO(escapes_of_a_library) {
    start_of_scratch_memory();
    void *library = dlopen(SCRATCH_PLUGINS "/bound_deep.so", RTLD_NOW);
    REQUIRE(library != nullptr);
    const auto allocate =
        reinterpret_cast<void *(*)(std::size_t)>(dlsym(library, "plugin_allocate"));
    {
        SCRATCH_REGION("region");
        REQUIRE(is_scratch(allocate(100)));
    }
    REQUIRE(dlclose(library) == 0 &&
            dlopen(SCRATCH_PLUGINS "/bound_deep.so", RTLD_NOW | RTLD_NOLOAD) == nullptr);
    return 0;
}
TEST(statistics, tell_of_escapes_of_closed_libraries) {
    const outcome result =
        run(escapes_of_a_library, {.environment = {"SCRATCH_STATS=1"}, .statistics = false});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_NE(result.error.find(" in no loaded object"), std::string::npos) << result.error;
    EXPECT_EQ(result.error.find("  0x0"), std::string::npos) << result.error;
}
#endif

SCENARIO(pinned) {
    static void *kept[3];
    for (void *&block : kept) {
        SCRATCH_REGION("pin");
        void *first = malloc(10000);
        block = malloc(16);
        void *last = malloc(20000);
        free(last);
        free(first);
    }
    static void *large;
    SCRATCH_REGION("large");
    large = malloc(4 << 20);
    memset(large, 2, 4 << 20);
    for (std::size_t at = 0; at < (4u << 20); at += 4)
        static_cast<unsigned *>(large)[at / 4] = at % 8 == 0 ? 0x02020202 : 2;
    exit(0);
}

TEST(statistics, tell_pinned_bytes) {
    const outcome result = run(pinned);
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_GE(result.count("pinned_bytes"), 3u * 10000);
    EXPECT_LE(result.count("pinned_bytes"), 3u * 30100);
}

void expect_nothing_gained(const char *mode) {
    const outcome json = run(nothing, {.mode = mode});
    EXPECT_NE(json.reports.at(json.process).find("\"nothing_gained\":true"), std::string::npos)
        << json.describe();
    const outcome text =
        run(nothing, {.mode = mode, .environment = {"SCRATCH_STATS=1"}, .statistics = false});
    EXPECT_NE(text.error.find("nothing gained here"), std::string::npos) << text.describe();
    EXPECT_NE(text.error.find("mode " + std::string(mode)), std::string::npos);
}

TEST(statistics, say_where_nothing_was_gained) {
    expect_nothing_gained("off");
    expect_nothing_gained("scoped");
}

// Not kept yet: the samples themselves count as calls to scratch.
TEST(statistics, say_where_nothing_was_gained_by_samples) { expect_nothing_gained("adaptive"); }

TEST(statistics, are_not_written_unless_asked_for) {
    const outcome result = run(known_calls, {.statistics = false});
    EXPECT_TRUE(result.exited_with(0));
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.output, "");
}

// --- where they go
// ---------------------------------------------------------------------------------

SCENARIO(standard_error_closed) {
    close(STDERR_FILENO);
    // The next file that is opened gets the number.
    char name[] = "/tmp/scratch-test-XXXXXX";
    const int file = mkstemp(name);
    unlink(name);
    if (file != STDERR_FILENO) _exit(50);
    std::atexit([] {
        struct stat seen;
        if (fstat(STDERR_FILENO, &seen) != 0 || seen.st_size != 0) _exit(51);
    });
    return 7;
}

SCENARIO(standard_error_redirected) {
    char name[] = "/tmp/scratch-test-XXXXXX";
    const int elsewhere = mkstemp(name);
    REQUIRE(elsewhere >= 0 && unlink(name) == 0);
    dup2(elsewhere, STDERR_FILENO);
    // Looked at by a child, after this process is gone.
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    if (fork() == 0) {
        close(ends[1]);
        char byte;
        while (read(ends[0], &byte, 1) > 0) {
        }
        struct stat seen;
        if (fstat(elsewhere, &seen) == 0)
            dprintf(STDOUT_FILENO, "%ld bytes", static_cast<long>(seen.st_size));
        _exit(0);
    }
    close(ends[0]);
    SCRATCH_REGION("region");
    free(malloc(10));
    return 7;
}

TEST(statistics, are_not_written_into_the_programs_files) {
    const conditions under{.environment = {"SCRATCH_STATS=1"}, .statistics = false};
    const outcome closed = run(standard_error_closed, under);
    EXPECT_TRUE(closed.exited_with(7)) << closed.describe();
    EXPECT_EQ(closed.error, "");
    const outcome redirected = run(standard_error_redirected, under);
    EXPECT_TRUE(redirected.exited_with(7)) << redirected.describe();
    EXPECT_EQ(redirected.output, "0 bytes");
    EXPECT_EQ(redirected.error, "");
}

// Others can read them while the process lives, and only while it does.
SCENARIO(says_whether_its_counters_are_there) {
    const std::string file =
        common_folder() + "scratch-" + std::to_string(getuid()) + "-" + std::to_string(getpid());
    REQUIRE(access(file.c_str(), R_OK) == 0);
    printf("%s", file.c_str());
    return 0;
}

TEST(statistics, lie_in_a_folder_of_the_user) {
    const outcome result =
        run(says_whether_its_counters_are_there,
            {.environment = {"SCRATCH_STATS=1", "XDG_RUNTIME_DIR="}, .statistics = false});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_NE(access(result.output.c_str(), F_OK), 0) << result.output;
}

// --- how the program ends
// ---------------------------------------------------------------------------

SCENARIO(ends_by_exit) {
    free(scratch_alloc(10));
    exit(37);
}
SCENARIO(ends_on_another_thread) {
    std::thread([] {
        SCRATCH_REGION("region");
        free(malloc(10));
        exit(38);
    }).join();
    return 1;
}
SCENARIO(ends_in_a_region) {
    SCRATCH_REGION("region", SCRATCH_TRUSTED);
    std::atexit([] { free(malloc(100)); });
    malloc(10);
    exit(39);
}
SCENARIO(ends_by_underscore_exit) {
    for (int i = 0; i < 4000; ++i) {
        SCRATCH_REGION("region");
        free(malloc(10));
    }
    _exit(40);
}
SCENARIO(ends_by_signal) {
    for (int i = 0; i < 4000; ++i) {
        SCRATCH_REGION("region");
        free(malloc(10));
    }
    raise(SIGTERM);
    return 0;
}
#ifdef __APPLE__
[[noreturn]] void quick_exit(int status) { _exit(status); } // it has none
#endif
SCENARIO(ends_by_quick_exit) { quick_exit(41); }

TEST(end_of_the_program, is_its_own) {
    for (const char *mode : {"off", "scoped", "adaptive"}) {
        for (const char *statistics : {"0", "1", "json"}) {
            const conditions under{.mode = mode,
                                   .environment = {std::string("SCRATCH_STATS=") + statistics},
                                   .statistics = false};
            EXPECT_TRUE(run(ends_by_exit, under).exited_with(37));
            EXPECT_TRUE(run(ends_on_another_thread, under).exited_with(38));
            EXPECT_TRUE(run(ends_in_a_region, under).exited_with(39));
            EXPECT_TRUE(run(ends_by_underscore_exit, under).exited_with(40));
            EXPECT_TRUE(run(ends_by_quick_exit, under).exited_with(41));
            EXPECT_TRUE(run(ends_by_signal, under).killed_by(SIGTERM));
        }
    }
}

// The counters outlive an end that runs no destructors: what slow paths counted is there.
TEST(end_of_the_program, leaves_the_counters_in_the_file) {
    for (const scenario *wanted : {&ends_by_underscore_exit, &ends_by_signal}) {
        const outcome result = run(*wanted);
        const auto report = result.reports.find(result.process);
        ASSERT_NE(report, result.reports.end()) << result.describe();
        ASSERT_EQ(report->second.size(), 4096u);
        EXPECT_EQ(report->second.substr(0, 7), "scratch");
        // Where shim/observe/counters.hpp has regions_entered: counted at each slow path.
        std::uint64_t regions;
        std::memcpy(&regions, report->second.data() + 72 + 12 * 8, sizeof regions);
        EXPECT_EQ(regions, 4000u);
    }
}

} // namespace
