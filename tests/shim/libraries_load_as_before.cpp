// Libraries and programs of every kind are loaded, found, bound and closed as without the shim.
#include <atomic>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "scenario.hpp"
#include "scratch_memory.hpp"

namespace {

std::string plugin(const char *name) { return std::string(SCRATCH_PLUGINS) + "/" + name + ".so"; }
std::string host(const char *name) { return std::string(SCRATCH_HOSTS) + "/" + name; }

const char *const modes[] = {"off", "scoped", "adaptive"};

// The program of the hosts ends as it does alone, with the same output and nothing said beside.
void expect_as_alone(const char *name) {
    const outcome bare = run_program({.preload = false, .program = host(name)});
    ASSERT_TRUE(bare.exited_with(0)) << bare.describe();
    for (const char *mode : modes) {
        const outcome result = run_program({.mode = mode, .program = host(name)});
        ASSERT_TRUE(result.exited_with(0)) << mode << result.describe();
        EXPECT_EQ(result.output, bare.output) << mode;
        EXPECT_EQ(result.error, "") << mode;
    }
}

// --- search
// ----------------------------------------------------------------------------------------

SCENARIO(search_by_runpath) {
    void *opened = dlopen(plugin("searches").c_str(), RTLD_NOW);
    REQUIRE(opened != nullptr);
    const auto search = reinterpret_cast<int (*)(int)>(dlsym(opened, "search"));
    REQUIRE(search(RTLD_NOW) == 42);
    REQUIRE(search(RTLD_LAZY | RTLD_LOCAL) == 42);
    // The program itself does not find it.
    REQUIRE(dlopen("only_found_by_runpath.so", RTLD_NOW) == nullptr);
    REQUIRE(std::string(dlerror()).find("only_found_by_runpath.so") != std::string::npos);
    REQUIRE(dlerror() == nullptr);
    dlclose(opened);
    return 0;
}

TEST(library, is_searched_by_the_path_of_who_asks) {
    for (const char *mode : modes) {
        const outcome result = run(search_by_runpath, {.mode = mode});
        EXPECT_TRUE(result.exited_with(0)) << mode << result.describe();
    }
}

TEST(library, is_searched_by_the_programs_path_if_code_without_an_object_asks) {
    expect_as_alone("made_code_host");
}

// --- closed meanwhile
// ----------------------------------------------------------------------------------------

std::atomic<bool> goes_on{true};

// The loader unmaps a library before it takes it off its list.
std::thread opener_and_closer() {
    return std::thread([] {
        const std::string file = plugin("found_by_runpath/only_found_by_runpath");
        while (goes_on)
            dlclose(dlopen(file.c_str(), RTLD_NOW));
    });
}

void open_regions(int count) {
    for (int i = 0; i < count && goes_on; ++i) {
        SCRATCH_REGION("meanwhile", SCRATCH_TRUSTED);
        free(malloc(100));
    }
}

bool child_ends_well(void (*work)()) {
    const pid_t child = fork();
    if (child == 0) {
        work();
        _exit(0);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && status == 0;
}

SCENARIO(closed_by_a_thread_left_behind) {
    std::thread others[] = {opener_and_closer(), opener_and_closer()};
    for (int i = 0; i < 300; ++i)
        REQUIRE(child_ends_well([] { open_regions(1); }));
    goes_on = false;
    for (std::thread &other : others)
        other.join();
    return 0;
}

SCENARIO(closed_by_a_thread_of_the_child) {
    free(malloc(1));
    for (int i = 0; i < 20; ++i)
        REQUIRE(child_ends_well([] {
            std::thread other = opener_and_closer();
            for (int round = 0; round < 50; ++round) {
                open_regions(1000);
                usleep(1000);
            }
            goes_on = false;
            other.join();
        }));
    return 0;
}

TEST(library, may_be_closed_while_its_process_forks) {
    const outcome result = run(closed_by_a_thread_left_behind);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

TEST(library, may_be_closed_by_a_forked_child_of_several_threads) {
    const outcome result = run(closed_by_a_thread_of_the_child);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

#ifdef __GLIBC__ // others have no LD_AUDIT

// --- regions meanwhile
// ----------------------------------------------------------------------------------------

TEST(library, is_known_though_a_region_began_while_it_was_opened) {
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("scratch-test-" + std::to_string(getpid()));
    std::filesystem::create_directory(folder);
    const outcome result = run_program({.environment = {"LD_AUDIT=" + plugin("search_that_waits"),
                                                        "SEARCH_WAITS_IN=" + folder.string()},
                                        .program = host("regions_meanwhile_host"),
                                        .arguments = {plugin("keeps_exception")}});
    std::filesystem::remove_all(folder);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.output, "");
    EXPECT_EQ(result.count("regions_entered"), 3);
}

#endif

#ifdef RTLD_DEEPBIND // musl has none

// --- deep binding
// ------------------------------------------------------------------------------------

SCENARIO(bound_deep) {
    start_of_scratch_memory();
    void *before;
    {
        SCRATCH_REGION("before");
        before = malloc(100);
        REQUIRE(is_scratch(before));
    }
    void *opened = dlopen(plugin("bound_deep").c_str(), RTLD_NOW | RTLD_DEEPBIND);
    REQUIRE(opened != nullptr);
    const auto allocate =
        reinterpret_cast<void *(*)(std::size_t)>(dlsym(opened, "plugin_allocate"));
    const auto give_back = reinterpret_cast<void (*)(void *)>(dlsym(opened, "plugin_free"));
    for (int round = 0; round < 100; ++round) {
        SCRATCH_REGION("after", round % 2 == 0 ? SCRATCH_TRUSTED : SCRATCH_COUNTED);
        free(allocate(100));
        give_back(malloc(100));
        give_back(calloc(1, 100));
        give_back(scratch_alloc(100));
        give_back(realloc(malloc(10), 100));
        give_back(strdup("a copy"));
    }
    before = realloc(before, 1000);
    REQUIRE(!is_scratch(before));
    give_back(before);
    return 0;
}

TEST(library, bound_deep_makes_the_shim_stand_aside) {
    for (const char *mode : modes) {
        if (std::string(mode) == "off") continue;
        const outcome result = run(bound_deep, {.mode = mode});
        ASSERT_TRUE(result.exited_with(0)) << mode << result.describe();
        EXPECT_NE(result.reports.at(result.process).find("\"stood_aside\":\"deepbind\""),
                  std::string::npos)
            << result.describe();
    }
}

#endif

// --- C++ in plugins
// ----------------------------------------------------------------------------------

SCENARIO(plugins_of_a_cxx_program) {
    for (int round = 0; round < 5; ++round) {
        for (const char *name : {"with_runtime", "with_shared_runtime", "with_hidden_runtime"}) {
            void *opened = dlopen(plugin(name).c_str(), RTLD_NOW | RTLD_LOCAL);
            REQUIRE(opened != nullptr);
            const auto work = reinterpret_cast<int (*)(int)>(dlsym(opened, "plugin_work"));
            REQUIRE(work(10) == 10);
            {
                SCRATCH_REGION("plugin");
                REQUIRE(work(10) == 10);
            }
            {
                SCRATCH_REGION("plugin", SCRATCH_TRUSTED);
                REQUIRE(work(10) == 10);
            }
            REQUIRE(dlclose(opened) == 0);
        }
    }
    return 0;
}

TEST(library, with_a_runtime_of_its_own_works_in_a_cxx_program) {
    for (const char *mode : modes) {
        const outcome result = run(plugins_of_a_cxx_program, {.mode = mode});
        EXPECT_TRUE(result.exited_with(0)) << mode << result.describe();
    }
}

void expect_works_in_c(const std::vector<std::string> &plugins) {
    std::vector<std::string> arguments = {"4"};
    arguments.insert(arguments.end(), plugins.begin(), plugins.end());
    const outcome bare =
        run_program({.preload = false, .program = host("c_host"), .arguments = arguments});
    ASSERT_TRUE(bare.exited_with(0)) << bare.describe();
    for (const char *mode : modes) {
        const outcome result =
            run_program({.mode = mode, .program = host("c_host"), .arguments = arguments});
        EXPECT_TRUE(result.exited_with(0)) << mode << result.describe();
    }
}

TEST(library, with_a_shared_runtime_works_in_a_c_program) {
    expect_works_in_c({plugin("with_shared_runtime")});
}
TEST(library, with_a_runtime_of_its_own_works_in_a_c_program) {
    expect_works_in_c({plugin("with_runtime"), plugin("with_hidden_runtime")});
}
// Its operators go with it when it is closed; the next library's are others.
TEST(library, with_operators_of_its_own_may_be_closed) {
    expect_works_in_c(
        {plugin("with_operators"), plugin("with_other_operators"), plugin("with_hidden_runtime")});
}
TEST(library, of_every_kind_works_with_the_others) {
    expect_works_in_c({plugin("with_operators"), plugin("with_hidden_runtime"),
                       plugin("with_shared_runtime"), plugin("with_operators")});
}

// --- programs
// ----------------------------------------------------------------------------------------

TEST(program, with_operators_of_its_own_keeps_them) {
    for (const char *name : {"own_operators_host", "one_operator_host"}) {
        const outcome bare = run_program({.preload = false, .program = host(name)});
        ASSERT_TRUE(bare.exited_with(0)) << bare.describe();
        for (const char *mode : modes) {
            const outcome result = run_program({.mode = mode, .program = host(name)});
            ASSERT_TRUE(result.exited_with(0)) << name << mode << result.describe();
            EXPECT_EQ(result.output, bare.output) << name << mode;
            if (std::string(mode) == "scoped") {
                // Calls to malloc are served in its regions all the same.
                EXPECT_GT(result.count("scratch_calls"), 0u) << result.describe();
                EXPECT_NE(result.reports.at(result.process).find("own_operators"),
                          std::string::npos)
                    << result.describe();
            }
        }
    }
}

TEST(program, with_the_libraries_that_the_shim_has_inside) {
    if (!std::filesystem::exists(host("own_libraries_host")))
        GTEST_SKIP() << "LOUDLY SKIPPED: spdlog or libunwind is missing";
    expect_as_alone("own_libraries_host");
}

TEST(program, with_a_malloc_of_its_own_keeps_it) {
    for (const char *mode : modes) {
        const outcome result = run_program({.mode = mode, .program = host("own_malloc_host")});
        ASSERT_TRUE(result.exited_with(0)) << mode << result.describe();
        EXPECT_EQ(result.output, "own malloc\n");
        EXPECT_EQ(result.count("scratch_calls"), 0u);
        const bool said =
            result.reports.at(result.process).find("\"stood_aside\":\"own_malloc\"") !=
            std::string::npos;
        EXPECT_EQ(said, std::string(mode) != "off") << result.describe();
    }
}

TEST(program, which_takes_the_address_of_malloc_is_served) {
    const outcome result = run_program({.mode = "scoped", .program = host("taken_malloc_host")});
    ASSERT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.output, "taken malloc\n");
    EXPECT_GE(result.count("scratch_calls"), 50u) << result.describe();
}

// --- what the shim itself asks of the next allocator
// --------------------------------------------------

unsigned calls_counted(const char *mode, bool statistics) {
    const char *shim = std::getenv("SCRATCH_TEST_PRELOAD");
    const std::string counter = plugin("counting_allocator");
    const bool with_shim = mode != nullptr;
    conditions under;
    under.preload = false;
    under.environment = {"LD_PRELOAD=" + (with_shim ? shim + (":" + counter) : counter)};
    if (with_shim) under.environment.push_back(std::string("SCRATCH_MODE=") + mode);
    if (statistics) under.environment.push_back("SCRATCH_STATS=json");
    under.program = host("c_host");
    const outcome result = run_program(under);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    const std::size_t at = result.error.find("calls ");
    EXPECT_NE(at, std::string::npos) << result.describe();
    return static_cast<unsigned>(std::strtoul(result.error.c_str() + at + 6, nullptr, 10));
}

TEST(shim, allocates_nothing_by_itself) {
    const unsigned bare = calls_counted(nullptr, false);
    for (const char *mode : {"off", "scoped"}) {
        EXPECT_EQ(calls_counted(mode, false), bare) << mode;
        EXPECT_EQ(calls_counted(mode, true), bare) << mode;
    }
}

} // namespace
