// Whatever bytes a file has, it is loaded or refused: the loader itself never goes wrong. Nothing
// of it is run.
#include "loader/process.hpp"
#include "runner.hpp"
#include "system/names.hpp"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <random>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using bytes = std::vector<char>;

bytes contents(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

class damaged : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/scratch-darwin-XXXXXX";
        ASSERT_GE(descriptor_ = mkstemp(name), 0);
        path_ = name;
    }
    void TearDown() override {
        close(descriptor_);
        unlink(path_.c_str());
    }

    enum class end { loaded, refused, crashed };

    /// In a process of its own: what was loaded before is gone.
    end load(const bytes &file, bool as_library) {
        EXPECT_EQ(ftruncate(descriptor_, 0), 0);
        EXPECT_EQ(pwrite(descriptor_, file.data(), file.size(), 0),
                  static_cast<ssize_t>(file.size()));
        const pid_t child = fork();
        if (child == 0) {
            const rlimit no_core{0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            alarm(20);
            try {
                darwin::process::load(
                    {as_library ? built("starts") : path_,
                     as_library ? std::vector<std::string>{path_} : std::vector<std::string>{},
                     {},
                     {DARWIN_PROGRAMS}},
                    darwin::system::lookup);
            } catch (const darwin::refusal &) {
                _exit(1);
            } catch (...) {
                _exit(2);
            }
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) return end::crashed;
        return WEXITSTATUS(status) == 0 ? end::loaded : end::refused;
    }

    void expect_no_crash(const std::string &name, bool as_library) {
        const bytes good = contents(built(name));
        ASSERT_EQ(load(good, as_library), end::loaded);
        std::mt19937 random(1);
        unsigned refused = 0;
        // The load commands, and what they point to at the end of the file, where all the opcodes
        // are.
        const std::size_t commands = 32 + *reinterpret_cast<const std::uint32_t *>(&good[20]);
        const std::size_t linkedit = good.size() > 8192 ? good.size() - 4096 : good.size() / 2;
        constexpr unsigned rounds = 500;
        for (unsigned round = 0; round < rounds; ++round) {
            bytes changed = good;
            for (unsigned change = 0; change <= round % 4; ++change) {
                const bool in_commands = random() % 2 == 0;
                const std::size_t at = in_commands ? random() % commands
                                                   : linkedit + random() % (good.size() - linkedit);
                constexpr unsigned char favourites[] = {0, 1, 0x7f, 0x80, 0xff};
                changed[at] =
                    static_cast<char>(random() % 2 == 0 ? random() : favourites[random() % 5]);
            }
            const end result = load(changed, as_library);
            // The file is left for whoever looks into it.
            const std::string kept = path_ + "-" + name;
            if (result == end::crashed)
                std::ofstream(kept, std::ios::binary).write(changed.data(), std::ssize(changed));
            ASSERT_TRUE(result != end::crashed) << name << ", round " << round << ": " << kept;
            if (result == end::refused) ++refused;
        }
        EXPECT_GT(refused, rounds / 20) << "the changes have hit something";
    }

    std::string path_;
    int descriptor_ = -1;
};

TEST_F(damaged, files_that_are_cut_off_are_refused) {
    const bytes good = contents(built("thread_locals"));
    for (std::size_t size = 0; size < good.size(); size += size < 3000 ? 31 : 409) {
        const end result =
            load(bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)), false);
        ASSERT_EQ(result, end::refused) << size << " of " << good.size() << " bytes";
    }
}

TEST_F(damaged, programs_do_no_harm) { expect_no_crash("thread_locals", false); }
TEST_F(damaged, programs_with_libraries_do_no_harm) { expect_no_crash("order", false); }
TEST_F(damaged, inserted_libraries_do_no_harm) { expect_no_crash("libinterposer.dylib", true); }

} // namespace
