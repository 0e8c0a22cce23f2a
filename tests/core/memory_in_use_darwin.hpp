#pragma once

#include <cstddef>

#include <mach/mach.h>

/// Resident bytes; 0 where the kernel does not say.
inline std::size_t memory_in_use() {
    mach_task_basic_info told{};
    mach_msg_type_number_t words = MACH_TASK_BASIC_INFO_COUNT;
    if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, reinterpret_cast<task_info_t>(&told),
                  &words) != KERN_SUCCESS)
        return 0;
    return told.resident_size;
}
