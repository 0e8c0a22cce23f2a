// Promise: with SCRATCH_FOLLOW=0 exactly our entry leaves LD_PRELOAD, whatever way it was written,
// and what the shim is told by the environment; nothing else in it changes, and no empty variable
// stays.
#include "shim/lifecycle/configuration.hpp"
#include "shim/lifecycle/preload_list.hpp"
#include "tests/shim/observe/child.hpp"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace scratch::shim;

namespace {

struct edited {
    std::string list;
    std::size_t removed;
};

edited without(const std::string &list, const std::string &own_path) {
    std::string copy = list;
    const std::size_t removed = remove_preload_entry(copy.data(), own_path.c_str());
    return {copy.c_str(), removed};
}

class preload_list : public testing::Test {
protected:
    void SetUp() override {
        for (const char *name : {"/libscratch.so", "/libother.so"})
            std::ofstream(folder.path + name);
        mkdir((folder.path + "/sub").c_str(), 0700);
        std::ofstream(folder.path + "/sub/libscratch.so");
        EXPECT_EQ(symlink("libscratch.so", (folder.path + "/alias.so").c_str()), 0);
    }
    scratch_folder folder;
    std::string own = folder.path + "/libscratch.so";
    std::string other = folder.path + "/libother.so";
};

} // namespace

TEST_F(preload_list, loses_our_entry_at_every_place) {
    EXPECT_EQ(without(own, own).list, "");
    EXPECT_EQ(without(own + ":" + other, own).list, other);
    EXPECT_EQ(without(other + ":" + own, own).list, other);
    EXPECT_EQ(without(other + ":" + own + ":last.so", own).list, other + ":last.so");
    EXPECT_EQ(without(own + " " + other, own).list, other);
    EXPECT_EQ(without(other + " " + own + ":last.so", own).list, other + " last.so");
}

TEST_F(preload_list, keeps_every_byte_of_the_others) {
    EXPECT_EQ(without("::a.so:  " + own + ": b.so :", own).list, "::a.so:   b.so :");
    EXPECT_EQ(without("", own).list, "");
    EXPECT_EQ(without(" : ", own).list, " : ");
    EXPECT_EQ(without("a.so:b.so", own).list, "a.so:b.so");
    EXPECT_EQ(without("a.so:b.so", own).removed, 0u);
}

TEST_F(preload_list, loses_it_as_often_as_it_is_there) {
    const edited result = without(own + ":" + own + " a.so " + own, own);
    EXPECT_EQ(result.list, "a.so");
    EXPECT_EQ(result.removed, 3u);
}

TEST_F(preload_list, knows_the_file_by_other_paths) {
    EXPECT_EQ(without(folder.path + "/sub/../libscratch.so:a.so", own).list, "a.so");
    EXPECT_EQ(without(folder.path + "//libscratch.so", own).list, "");
    EXPECT_EQ(without(folder.path + "/alias.so", own).list, "");
    ASSERT_EQ(chdir(folder.path.c_str()), 0);
    EXPECT_EQ(without("./libscratch.so:a.so", own).list, "a.so");
    EXPECT_EQ(without("sub/../libscratch.so", own).list, "");
    EXPECT_EQ(without(own, "./libscratch.so").list, "");
    ASSERT_EQ(chdir("/"), 0);
}

TEST_F(preload_list, knows_a_file_that_is_gone_by_its_text) {
    const std::string gone = folder.path + "/sub/gone.so";
    EXPECT_EQ(without(gone + ":a.so", gone).list, "a.so");
    EXPECT_EQ(without(folder.path + "/sub/../gone.so:a.so", gone).removed, 0u);
}

TEST_F(preload_list, knows_bare_names_and_the_tokens_of_the_loader) {
    EXPECT_EQ(without("libscratch.so:a.so", own).list, "a.so");
    EXPECT_EQ(without("/usr/$LIB/libscratch.so:a.so", own).list, "a.so");
    EXPECT_EQ(without("/usr/${LIB}/libother.so", own).removed, 0u);
}

TEST_F(preload_list, loses_hook_objects_too) {
    const std::string digits = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const std::string hooks = "/cache/hooks-" + digits + ".so";
    EXPECT_EQ(without(hooks + ":" + own + ":a.so", own).list, "a.so");
    EXPECT_EQ(without(hooks, own).removed, 1u);
    EXPECT_TRUE(has_hook_object((own + " " + hooks).c_str()));
    for (const std::string &similar :
         {"/cache/hooks-" + digits + "0.so", "/cache/hooks-" + digits.substr(1) + ".so",
          "/cache/hooks-" + digits + ".so.1", "/cache/hooks-" + digits.substr(1) + "g.so",
          "/cache/xhooks-" + digits + ".so", hooks + "/x.so", std::string()}) {
        EXPECT_EQ(without(similar, own).removed, 0u) << similar;
        EXPECT_FALSE(has_hook_object(similar.c_str())) << similar;
    }
}

TEST_F(preload_list, leaves_other_files_of_similar_names) {
    const std::string list =
        folder.path + "/sub/libscratch.so:" + other + ":xlibscratch.so:libscratch.so.1:" + own +
        "x:/nowhere/libscratch.so:" + std::string(5000, 'y') + "/libscratch.so";
    const edited result = without(list, own);
    EXPECT_EQ(result.list, list);
    EXPECT_EQ(result.removed, 0u);
}

TEST(follow, takes_the_object_of_this_code_out_of_the_environment) {
    // In this test the object that holds the shim's code is the test program.
    const char *own = path_of_own_object();
    ASSERT_NE(own, nullptr);
    const std::string entry = "LD_PRELOAD=/lib/a.so:" + std::string(own) + ":/lib/b.so";
    environment_of no{"A=1", entry.c_str(), "SCRATCH_FOLLOW=0", "SCRATCH_LIBRARY=/lib/c.so", "B=2"};
    EXPECT_FALSE(read_configuration(no.get()).follow);
    stop_following(no.get());
    EXPECT_STREQ(no.get()[0], "A=1");
    EXPECT_STREQ(no.get()[1], "LD_PRELOAD=/lib/a.so:/lib/b.so");
    EXPECT_STREQ(no.get()[2], "SCRATCH_LIBRARY=/lib/c.so");
    EXPECT_STREQ(no.get()[3], "B=2");
    EXPECT_EQ(no.get()[4], nullptr);
    EXPECT_TRUE(read_configuration(environment_of{"SCRATCH_FOLLOW=1"}.get()).follow);
}

TEST(follow, leaves_no_empty_variable) {
    const std::string alone = "LD_PRELOAD=" + std::string(path_of_own_object());
    for (const std::string &entry : {alone, alone + ":", alone + " :"}) {
        environment_of no{entry.c_str(),       "SCRATCH_MODE=adaptive", "SCRATCH_BUDGET=8M",
                          "SCRATCH_OUTPUT=/f", "SCRATCH_STATS=1",       "SCRATCH_LOG=warn",
                          "SCRATCH_RULES=/r",  "SCRATCH_EXCLUDE=sh",    "SCRATCH_CHECK=halt",
                          "SCRATCH_PROFILE=",  "SCRATCH_FOLLOW=0",      "A="};
        stop_following(no.get());
        EXPECT_STREQ(no.get()[0], "A=") << entry;
        EXPECT_EQ(no.get()[1], nullptr) << entry;
    }
    // What the user left empty is the user's.
    environment_of empty{"LD_PRELOAD=", "SCRATCH_FOLLOW=0"};
    stop_following(empty.get());
    EXPECT_STREQ(empty.get()[0], "LD_PRELOAD=");
    stop_following(nullptr);
}
