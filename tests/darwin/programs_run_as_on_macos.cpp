// Programs for macOS start, find their libraries and end as dyld has them do it.
#include "runner.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace {

TEST(programs, get_arguments_environment_and_their_path) {
    const outcome result =
        run_loader({built("starts"), "an argument"}, {"QUESTION=answer", "OTHER=1"});
    EXPECT_TRUE(result.exited_with(7)) << result.describe();
    EXPECT_EQ(result.output, "2 an argument two three\n3 2\nQUESTION=answer\n/starts\n");
    EXPECT_EQ(result.error, "");
}

TEST(programs, start_after_what_they_need) {
    const outcome result = run_program("order", {"x"});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.output, "needed\nfirst 2 x\nsecond\nneeded says main\nlast\n");
}

TEST(programs, share_weak_definitions_and_do_without_weak_imports) {
    const outcome result = run_program("weak");
    EXPECT_EQ(result.output, "needed\nprogram's program's\nmissing\n") << result.describe();
}

TEST(programs, that_call_what_is_missing_are_stopped_and_only_then) {
    EXPECT_TRUE(run_program("missing").exited_with(3));
    const outcome result = run_program("missing", {"call"});
    EXPECT_TRUE(WIFSIGNALED(result.status) && WTERMSIG(result.status) == SIGABRT)
        << result.describe();
    EXPECT_EQ(result.output, "before\n");
    EXPECT_NE(result.error.find("_no_such_function, which"), std::string::npos) << result.error;
}

TEST(programs, start_other_programs) {
    const outcome result = run_program("starts_others", {built("starts"), "child"});
    EXPECT_TRUE(result.exited_with(7)) << result.describe();
    EXPECT_NE(result.output.find("2 child two three"), std::string::npos) << result.output;
    EXPECT_TRUE(run_program("starts_others", {"/bin/false"}).exited_with(1));
    EXPECT_TRUE(run_program("starts_others", {"/nowhere"}).exited_with(127));
}

TEST(programs, open_libraries_while_they_run) {
    const outcome result = run_program("opens", {built("libneeded.dylib")});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    EXPECT_EQ(result.output,
              "/nowhere/at/all.dylib cannot be loaded: there is no such file\nneeded\n"
              "needed says hello\nneeded_says /libneeded.dylib\n");
}

TEST(programs, are_interposed_by_inserted_libraries) {
    const outcome without = run_program("taking");
    EXPECT_TRUE(without.exited_with(1)) << without.describe();
    const outcome result = run_loader({"--insert", built("libinterposer.dylib"), built("taking")});
    EXPECT_TRUE(result.exited_with(0)) << result.describe();
    // Two calls of its own, one of the system's, one by dlsym, one for a thread's variables.
    EXPECT_EQ(result.output, "interposer\ntaken 2, given back 2\ntaken 3, given back 3\n"
                             "taken 4, given back 4\ntaken 5, given back 5\n");
    const outcome by_environment =
        run_loader({built("taking")}, {"DYLD_INSERT_LIBRARIES=" + built("libinterposer.dylib")});
    EXPECT_EQ(by_environment.output, result.output);
}

TEST(programs, have_thread_local_variables_of_each_thread) {
    EXPECT_EQ(run_program("thread_locals").output, "ok\n")
        << run_program("thread_locals").describe();
}

TEST(programs, that_cannot_be_loaded_are_refused_with_a_sentence) {
    const outcome missing = run_loader({"/nowhere"});
    EXPECT_TRUE(missing.exited_with(125)) << missing.describe();
    EXPECT_EQ(missing.error, "dyld_on_linux: /nowhere cannot be loaded: it cannot be opened\n");
    EXPECT_TRUE(run_loader({DYLD_ON_LINUX}).exited_with(125)) << "an ELF file";
    EXPECT_TRUE(run_loader({"/dev/null"}).exited_with(125));
    const outcome library = run_loader({built("libneeded.dylib")});
    EXPECT_NE(library.error.find("it is no executable"), std::string::npos) << library.describe();
    EXPECT_TRUE(run_loader({"--insert", "/nowhere", built("starts")}).exited_with(125));
    EXPECT_TRUE(run_loader({}).exited_with(125));
}

} // namespace
