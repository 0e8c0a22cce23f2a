// What the environment asks of the shim: read once at start, never after.
#pragma once

#include <cstddef>
#include <cstdint>

namespace scratch::shim {

enum class run_mode : std::uint8_t { off, scoped, profile, adaptive, record, check };
enum class statistics_format : std::uint8_t { none, text, json };
enum class log_level : std::uint8_t { off, error, warn, info, debug };

struct configuration {
    run_mode mode = run_mode::scoped;
    // The most bytes that chunks outside trusted regions may hold, live and dead, in this process.
    std::size_t budget = std::size_t{8} << 20;
    statistics_format statistics = statistics_format::none;
    log_level log = log_level::warn;
    bool follow = true;
    // SCRATCH_OUTPUT as given, or null: the pattern of the file for the counters (%e, %p).
    const char *output = nullptr;
};

// Reads SCRATCH_* from `environment` (an envp vector; null counts as empty). Each value that cannot
// be used is answered with one warning on standard error and the default. A privileged process
// (AT_SECURE) and a program named in SCRATCH_EXCLUDE get mode off. A pattern of SCRATCH_OUTPUT that
// names no file is taken out of the environment, so that no child warns again. Allocates nothing;
// called once, before any other function of the shim.
configuration read_configuration(char **environment) noexcept;

// For a program whose children are left alone (`follow` is false): takes the entry of this library
// out of LD_PRELOAD, in place, where nothing else in it changes; the variable itself where nothing
// else was in it; and the variables that the shim is told by. Children find none of them, rather
// than empty ones. Called once, when all of them have been read. Allocates nothing.
void stop_following(char **environment) noexcept;

} // namespace scratch::shim
