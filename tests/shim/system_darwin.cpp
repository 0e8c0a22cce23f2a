#include "system.hpp"

#include <cstdint>
#include <cstdlib>
#include <mach-o/dyld.h>
#include <mach/mach.h>
#include <unistd.h>

namespace {

mach_task_basic_info task_information() {
    mach_task_basic_info told{};
    mach_msg_type_number_t words = MACH_TASK_BASIC_INFO_COUNT;
    task_info(mach_task_self(), MACH_TASK_BASIC_INFO, reinterpret_cast<task_info_t>(&told), &words);
    return told;
}

} // namespace

const char preload_variable[] = "DYLD_INSERT_LIBRARIES";
const char program_that_does_nothing[] = "/usr/bin/true";

std::string own_executable() {
    char path[4096];
    std::uint32_t size = sizeof path;
    if (_NSGetExecutablePath(path, &size) != 0) abort();
    return path;
}

std::string common_folder() {
    char path[1024];
    return confstr(_CS_DARWIN_USER_TEMP_DIR, path, sizeof path) == 0 ? "" : path;
}

std::size_t resident_bytes() { return task_information().resident_size; }
std::size_t mapped_bytes() { return task_information().virtual_size; }
