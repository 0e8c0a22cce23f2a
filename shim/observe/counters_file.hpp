// The file behind the counters: its name, and the ways in which making it fails.
#pragma once

#include "shim/observe/descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace scratch::shim {

inline constexpr std::size_t longest_path = 4096;

// A path in static storage, always terminated.
struct path_text {
    char bytes[longest_path];
};

// What the first bytes of a report are, by which a file of ours is known when it is to be replaced.
inline constexpr std::string_view report_beginnings[] = {"scratch: ", "{\"scratch\":"};

// A descriptor of a new file that holds `content`, or an error number below zero. `path` gets its
// name. In XDG_RUNTIME_DIR or common_folder:
int create_default_file(char **environment, std::string_view content, path_text &path) noexcept;
// For a pattern of SCRATCH_OUTPUT, %e being `program`:
int create_asked_file(const char *pattern, std::string_view program, std::string_view content,
                      path_text &path) noexcept;

// A number for a pattern and the error that it failed with, never 0: whoever has the same number in
// its counters (refused_output) has said so.
std::uint64_t mark_of_refusal(const char *pattern, int error) noexcept;
// Whether the default file of the parent, or of this process before an exec, has that number.
bool was_refused_before(char **environment, std::uint64_t mark) noexcept;

// Removes files of processes that are gone, this user's, out of a folder: some of them, see
// visit_some_names. Processes that end by _exit or a signal leave their file behind.
void remove_stale_files(const char *folder) noexcept;

// A short text for an error number, positive or negative.
const char *describe_error(int error) noexcept;

} // namespace scratch::shim
