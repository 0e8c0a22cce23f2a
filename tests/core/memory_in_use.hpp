// What the kernel says that this process holds and has waited for.
#pragma once

#include <cstddef>

#include <sys/resource.h>

#ifdef __APPLE__
#include "memory_in_use_darwin.hpp"
#else
#include "memory_in_use_linux.hpp"
#endif

/// Page faults so far that needed no disk.
inline long faults_so_far() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}
