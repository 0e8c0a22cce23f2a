#include "system.hpp"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace {

std::size_t status_line(const char *name) {
    char text[4096];
    const int file = open("/proc/self/status", O_RDONLY);
    const ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    if (size <= 0) return 0;
    text[size] = 0;
    const char *line = std::strstr(text, name);
    return line == nullptr ? 0 : std::strtoull(line + std::strlen(name), nullptr, 10) * 1024;
}

} // namespace

const char preload_variable[] = "LD_PRELOAD";
const char program_that_does_nothing[] = SCRATCH_DOES_NOTHING;

std::string own_executable() { return std::filesystem::read_symlink("/proc/self/exe"); }

std::string common_folder() { return "/dev/shm/"; }

std::size_t resident_bytes() { return status_line("VmRSS:"); }
std::size_t mapped_bytes() { return status_line("VmSize:"); }
