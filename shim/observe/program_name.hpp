// Which program this process runs. One file per system finds it out (program_name_linux.cpp,
// program_name_darwin.cpp).
#pragma once

#include <string_view>

namespace scratch::shim {

// Read anew by the constructor, without allocation, before main too.
class program_name {
public:
    program_name() noexcept;
    program_name(const program_name &) = delete;
    program_name &operator=(const program_name &) = delete;

    // The file that runs, with its folder; empty where it cannot be told.
    std::string_view path() const noexcept { return path_; }
    // Its name without folder, else the name that the program was started by, else "unknown".
    std::string_view name() const noexcept;
    // True if `wanted` is the path, the name of the file, or the name that the program was started
    // by (which differs where one file has several names).
    bool is(std::string_view wanted) const noexcept;

private:
    char room_[1024];
    std::string_view path_;
    std::string_view started_by_;
};

} // namespace scratch::shim
