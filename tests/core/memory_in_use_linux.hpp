#pragma once

#include <cstddef>
#include <fstream>

#include <unistd.h>

/// Resident bytes.
inline std::size_t memory_in_use() {
    std::ifstream file("/proc/self/statm");
    std::size_t mapped = 0;
    std::size_t resident = 0;
    file >> mapped >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}
