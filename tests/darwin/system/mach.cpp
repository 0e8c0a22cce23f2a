// What programs ask mach: memory, time, their threads. A port is a number that means something to
// these functions only.
#include "memory.hpp"
#include "names.hpp"
#include "threads.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace darwin::mach {
namespace {

constexpr std::uint64_t page = 4096;

constexpr int success = 0;
constexpr int invalid_address = 1;
constexpr int protection_failure = 2;
constexpr int no_space = 3;
constexpr int invalid_argument = 4;

constexpr int anywhere = 0x1;
constexpr int overwrite = 0x4000;

std::uint64_t page_size = page;
std::uint64_t page_mask = page - 1;
int page_shift = 12;
std::uint32_t own_task = 0x103;

std::uint64_t whole_pages(std::uint64_t size) { return (size + page - 1) & ~(page - 1); }

int allocate(std::uint32_t, std::uint64_t *address, std::uint64_t size, int flags) {
    if (size == 0) {
        *address = 0;
        return success;
    }
    if (size > UINT64_MAX - page) return invalid_argument;
    int host = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *wanted = nullptr;
    if ((flags & anywhere) == 0) {
        host |= (flags & overwrite) != 0 ? MAP_FIXED : MAP_FIXED_NOREPLACE;
        wanted = reinterpret_cast<void *>(*address & ~(page - 1));
    }
    void *const mapped = mmap(wanted, whole_pages(size), PROT_READ | PROT_WRITE, host, -1, 0);
    if (mapped == MAP_FAILED) return no_space;
    *address = reinterpret_cast<std::uint64_t>(mapped);
    return success;
}

int map(std::uint32_t task, std::uint64_t *address, std::uint64_t size, std::uint64_t mask,
        int flags, std::uint32_t object, std::uint64_t, int, int protection, int,
        unsigned inheritance) {
    // Anonymous memory only, aligned by the mask.
    if (object != 0 || size == 0 || size > UINT64_MAX / 2 || inheritance > 2)
        return invalid_argument;
    if ((flags & anywhere) == 0) {
        const int result = allocate(task, address, size, flags);
        if (result != success) return result;
    } else {
        const std::uint64_t length = whole_pages(size);
        std::uint64_t wide = 0;
        const int result = allocate(task, &wide, length + mask, anywhere);
        if (result != success) return result;
        const std::uint64_t aligned = (wide + mask) & ~mask;
        if (aligned != wide) munmap(reinterpret_cast<void *>(wide), aligned - wide);
        const std::uint64_t end = wide + whole_pages(length + mask);
        if (end != aligned + length)
            munmap(reinterpret_cast<void *>(aligned + length), end - aligned - length);
        *address = aligned;
    }
    mprotect(reinterpret_cast<void *>(*address), whole_pages(size), protection & 7);
    if (inheritance == 2)
        madvise(reinterpret_cast<void *>(*address), whole_pages(size), MADV_DONTFORK);
    return success;
}

int deallocate(std::uint32_t, std::uint64_t address, std::uint64_t size) {
    if (size == 0) return success;
    const std::uint64_t first = address & ~(page - 1);
    return munmap(reinterpret_cast<void *>(first), whole_pages(address + size - first)) == 0
               ? success
               : invalid_argument;
}

int protect(std::uint32_t, std::uint64_t address, std::uint64_t size, int set_maximum,
            int protection) {
    if (set_maximum != 0) return success;
    const std::uint64_t first = address & ~(page - 1);
    if (mprotect(reinterpret_cast<void *>(first), whole_pages(address + size - first),
                 protection & 7) == 0)
        return success;
    return errno == ENOMEM ? invalid_address : protection_failure;
}

int behave(std::uint32_t, std::uint64_t address, std::uint64_t size, int behaviour) {
    // VM_BEHAVIOR_ and MADV_ share their numbers for these.
    switch (behaviour) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        break;
    case 6:
        return memory::advise(reinterpret_cast<void *>(address), size, 5) == 0 ? success
                                                                               : invalid_address;
    case 8:
        return memory::advise(reinterpret_cast<void *>(address), size, 7) == 0 ? success
                                                                               : invalid_address;
    case 9:
        return success;
    default:
        return invalid_argument;
    }
    return success;
}

int inherit(std::uint32_t, std::uint64_t address, std::uint64_t size, unsigned inheritance) {
    if (inheritance == 0 || inheritance > 2) return invalid_argument;
    return madvise(reinterpret_cast<void *>(address), size,
                   inheritance == 2 ? MADV_DONTFORK : MADV_DOFORK) == 0
               ? success
               : invalid_address;
}

struct region {
    std::uint64_t first;
    std::uint64_t end;
    int protection;
};

/// The first mapping that ends behind this address, from the host's own list.
bool region_at(std::uint64_t address, region &found) {
    FILE *const maps = fopen("/proc/self/maps", "re");
    if (maps == nullptr) return false;
    char line[512];
    bool is_found = false;
    while (!is_found && fgets(line, sizeof line, maps) != nullptr) {
        char rights[5] = {};
        unsigned long first = 0;
        unsigned long end = 0;
        if (sscanf(line, "%lx-%lx %4s", &first, &end, rights) != 3 || end <= address) continue;
        found = {first, end,
                 (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
                     (rights[2] == 'x' ? PROT_EXEC : 0)};
        is_found = true;
    }
    fclose(maps);
    return is_found;
}

struct basic_region_information {
    int protection;
    int maximum;
    unsigned inheritance;
    int shared;
    int reserved;
    std::uint32_t offset[2];
    int behaviour;
    std::uint16_t wired;
} __attribute__((packed, aligned(4)));

int region_information(std::uint32_t, std::uint64_t *address, std::uint64_t *size, int flavour,
                       int *result, std::uint32_t *count, std::uint32_t *object) {
    constexpr int basic_64 = 9;
    if (flavour != basic_64) return invalid_argument;
    region found{};
    if (!region_at(*address, found)) return invalid_address;
    *address = found.first;
    *size = found.end - found.first;
    if (object != nullptr) *object = 0;
    basic_region_information information{};
    information.protection = found.protection;
    information.maximum = 7;
    information.inheritance = 1;
    std::memcpy(result, &information, std::min(sizeof information, std::size_t{*count} * 4));
    return success;
}

std::uint64_t nanoseconds(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t absolute_time() { return nanoseconds(CLOCK_MONOTONIC); }

int time_base(std::uint32_t *fraction) {
    fraction[0] = 1;
    fraction[1] = 1;
    return success;
}

/// Pages of the process in memory.
std::uint64_t resident_bytes() {
    FILE *const file = fopen("/proc/self/statm", "re");
    unsigned long all = 0;
    unsigned long resident = 0;
    const bool is_read = file != nullptr && fscanf(file, "%lu %lu", &all, &resident) == 2;
    if (file != nullptr) fclose(file);
    return is_read ? resident * page : 0;
}

std::uint64_t mapped_bytes() {
    FILE *const file = fopen("/proc/self/statm", "re");
    unsigned long all = 0;
    const bool is_read = file != nullptr && fscanf(file, "%lu", &all) == 1;
    if (file != nullptr) fclose(file);
    return is_read ? all * page : 0;
}

// struct mach_task_basic_info
struct basic_information {
    std::uint64_t virtual_size;
    std::uint64_t resident_size;
    std::uint64_t resident_size_maximum;
    std::int32_t user_time[2];
    std::int32_t system_time[2];
    std::int32_t policy;
    std::int32_t suspend_count;
} __attribute__((packed, aligned(4)));

// The beginning of struct task_vm_info, up to phys_footprint.
struct memory_information {
    std::uint64_t virtual_size;
    std::int32_t region_count;
    std::int32_t page_size;
    std::uint64_t resident_size;
    std::uint64_t resident_size_peak;
    std::uint64_t others[12]; // device ... compressed_lifetime
    std::uint64_t footprint;
} __attribute__((packed, aligned(4)));

int task_information(std::uint32_t, int flavour, int *result, std::uint32_t *count) {
    constexpr int basic = 20;
    constexpr int memory = 22;
    const std::size_t room = std::size_t{*count} * 4;
    if (flavour == basic) {
        basic_information information{};
        information.virtual_size = mapped_bytes();
        information.resident_size = resident_bytes();
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        information.resident_size_maximum = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
        std::memcpy(result, &information, std::min(room, sizeof information));
        return success;
    }
    if (flavour == memory) {
        memory_information information{};
        information.virtual_size = mapped_bytes();
        information.page_size = static_cast<std::int32_t>(page);
        information.resident_size = resident_bytes();
        information.footprint = information.resident_size;
        std::memset(result, 0, room);
        std::memcpy(result, &information, std::min(room, sizeof information));
        return success;
    }
    return invalid_argument;
}

int threads_of_task(std::uint32_t, std::uint32_t **list, std::uint32_t *count) {
    std::uint64_t memory = 0;
    if (allocate(own_task, &memory, 64 * 1024, anywhere) != success) return no_space;
    *list = reinterpret_cast<std::uint32_t *>(memory);
    *count = 0;
    DIR *const tasks = opendir("/proc/self/task");
    if (tasks == nullptr) return invalid_argument;
    while (const dirent *const at = readdir(tasks))
        if (at->d_name[0] != '.' && *count < 16 * 1024)
            (*list)[(*count)++] = static_cast<std::uint32_t>(strtoul(at->d_name, nullptr, 10));
    closedir(tasks);
    return success;
}

int thread_information(std::uint32_t port, int, int *result, std::uint32_t *count) {
    if (!threads::is_alive(static_cast<pid_t>(port))) return 0x10000003; // MACH_SEND_INVALID_DEST
    std::memset(result, 0, std::size_t{*count} * 4);
    return success;
}

std::uint32_t own_thread() { return static_cast<std::uint32_t>(gettid()); }
std::uint32_t own_host() { return 0x203; }
int release_port(std::uint32_t, std::uint32_t) { return success; }

const char *error_text(int result) {
    static thread_local char text[32];
    snprintf(text, sizeof text, "mach error %d", result);
    return text;
}

} // namespace
} // namespace darwin::mach

namespace darwin::system {

std::span<const entry> mach_names() {
    using namespace darwin::mach;
    static const entry names[] = {
        variable("vm_page_size", page_size),
        variable("vm_page_mask", page_mask),
        variable("vm_page_shift", page_shift),
        variable("vm_kernel_page_size", page_size),
        variable("mach_task_self_", own_task),
        function("mach_thread_self", own_thread),
        function("mach_host_self", own_host),
        function("mach_port_deallocate", release_port),
        function("mach_error_string", error_text),
        function("mach_vm_allocate", allocate),
        function("mach_vm_deallocate", deallocate),
        function("mach_vm_protect", protect),
        function("mach_vm_map", map),
        function("mach_vm_behavior_set", behave),
        function("mach_vm_inherit", inherit),
        function("mach_vm_region", region_information),
        function("vm_allocate", allocate),
        function("vm_deallocate", deallocate),
        function("vm_protect", protect),
        function("vm_map", map),
        function("vm_behavior_set", behave),
        function("vm_inherit", inherit),
        function("vm_region_64", region_information),
        function("mach_absolute_time", absolute_time),
        function("mach_continuous_time", absolute_time),
        function("mach_approximate_time", absolute_time),
        function("mach_timebase_info", time_base),
        function("task_info", task_information),
        function("task_threads", threads_of_task),
        function("thread_info", thread_information),
    };
    return names;
}

} // namespace darwin::system
