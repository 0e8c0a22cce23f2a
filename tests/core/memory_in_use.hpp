// What the kernel says that this process holds and has waited for.
#pragma once

#include <cstddef>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

/// Resident bytes.
inline std::size_t memory_in_use() {
    std::ifstream file("/proc/self/statm");
    std::size_t mapped = 0;
    std::size_t resident = 0;
    file >> mapped >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// Page faults so far that needed no disk.
inline long faults_so_far() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}
