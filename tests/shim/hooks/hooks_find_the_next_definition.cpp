// A hooked call goes on to the definition that it would have reached without the hook.
#include <csignal>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "library.h"
#include "scenario.hpp"
#include "scratch_memory.hpp"

extern "C" {
// In plugins only; weak, since nobody defines it at the start.
[[gnu::weak]] void late_call(callback *called, void *argument);
}

namespace {

using late_function = void (*)(callback *, void *);

void count_scratch(void *argument) {
    void *block = malloc(10);
    if (is_scratch(block)) ++*static_cast<int *>(argument);
    free(block);
}

#ifdef __GLIBC__ // musl has no such functions
SCENARIO(chosen_when_loaded) {
    for (int i = 0; i < 3; ++i)
        REQUIRE(chosen_at_load() == 4711);
    return 0;
}
TEST(target, of_an_indirect_function_is_what_it_chose) {
    const outcome result = run(chosen_when_loaded);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 3u);
}
#endif

SCENARIO(versions) {
    for (int i = 0; i < 3; ++i)
        REQUIRE(numbered() == 1);
    return 0;
}
TEST(target, is_of_the_version_that_was_asked_for) {
    const outcome result = run(versions);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 3u);
}

SCENARIO(another_library) {
    for (int i = 0; i < 3; ++i)
        REQUIRE(elsewhere() == 815);
    return 0;
}
TEST(target, in_another_library_than_the_user_named_is_only_passed_on_to) {
    const outcome result = run(another_library);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 0u);
}

// So that the next object does not lie where this one did.
void occupy(std::uintptr_t address) {
    void *page = reinterpret_cast<void *>(address & ~std::uintptr_t{4095});
    mmap(page, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

SCENARIO(opened_later) {
    start_of_scratch_memory();
    int seen = 0;
    for (int round = 0; round < 3; ++round) {
        for (const char *file :
             {SCRATCH_HOOK_PLUGINS "/late.so", SCRATCH_HOOK_PLUGINS "/other_late.so"}) {
            void *plugin = dlopen(file, RTLD_NOW | RTLD_LOCAL);
            REQUIRE(plugin != nullptr);
            const auto call = reinterpret_cast<late_function>(dlsym(plugin, "call_late"));
            for (int i = 0; i < 5; ++i)
                call(count_scratch, &seen);
            dlclose(plugin);
            occupy(reinterpret_cast<std::uintptr_t>(call));
        }
    }
    REQUIRE(seen == 30);
    return 0;
}
TEST(target, of_a_library_opened_later_in_its_own_scope_is_found_anew) {
    const outcome result = run(opened_later);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

using number_function = int (*)();
number_function open_local(const char *file, const char *function) {
    void *plugin = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    return plugin == nullptr ? nullptr : reinterpret_cast<number_function>(dlsym(plugin, function));
}

SCENARIO(two_in_their_own_scopes) {
    const number_function one = open_local(SCRATCH_HOOK_PLUGINS "/late.so", "own_number");
    REQUIRE(one != nullptr && one() == 1);
    const number_function two = open_local(SCRATCH_HOOK_PLUGINS "/other_late.so", "own_number");
    REQUIRE(two != nullptr && two() == 2);
    for (int i = 0; i < 3; ++i)
        REQUIRE(one() == 1 && two() == 2);
    return 0;
}
TEST(target, of_two_libraries_in_their_own_scopes_is_each_ones_own) {
    const outcome result = run(two_in_their_own_scopes);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.count("regions_entered"), 8u);
    EXPECT_EQ(result.error.find("several loaded libraries"), std::string::npos)
        << result.describe();
}

SCENARIO(two_called_by_a_jump) {
    const number_function one = open_local(SCRATCH_HOOK_PLUGINS "/late.so", "number_by_jump");
    const number_function two = open_local(SCRATCH_HOOK_PLUGINS "/other_late.so", "number_by_jump");
    REQUIRE(one != nullptr && two != nullptr);
    const int sum = one() + two();
    return sum > 0 ? 0 : 1;
}
TEST(target, that_cannot_be_told_is_not_chosen_in_silence) {
    const outcome result = run(two_called_by_a_jump);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_NE(result.error.find("several loaded libraries define late_number()"), std::string::npos)
        << result.describe();
}

SCENARIO(nobody_defines_it) {
    if (late_call == nullptr) return 3;
    late_call(count_scratch, nullptr);
    return 4;
}
TEST(target, that_nobody_defines_stops_the_program_with_a_sentence) {
    const outcome result = run(nobody_defines_it);
    EXPECT_TRUE(result.killed_by(SIGABRT)) << result.describe();
    EXPECT_NE(result.error.find("late_call() was called, but no loaded library defines it"),
              std::string::npos)
        << result.describe();
}

SCENARIO(pending_error) {
    REQUIRE(dlsym(RTLD_DEFAULT, "scratch_no_such_name") == nullptr);
    int seen = 0;
    counted_call(count_scratch, &seen);
    recurse(3);
#ifdef __GLIBC__
    REQUIRE(chosen_at_load() == 4711);
#endif
    const char *error = dlerror();
    REQUIRE(error != nullptr && strstr(error, "scratch_no_such_name") != nullptr);
    REQUIRE(dlerror() == nullptr);
    return 0;
}
TEST(target, is_found_without_a_word_to_dlerror) {
    const outcome result = run(pending_error);
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
}

} // namespace
