// Memory by mmap and mach, with macOS's numbers and its ways.
#include "darwin.h"

enum { size = 64 * 4096 };

static int is_filled(const char *page, char with) {
    for (int at = 0; at < 4096; ++at)
        if (page[at] != with) return 0;
    return 1;
}

int main(void) {
    REQUIRE(vm_page_size == 4096);
    char *const memory = mmap(NULL, size, 3, MAP_PRIVATE | MAP_ANON, -1, 0);
    REQUIRE(memory != (void *)-1);
    REQUIRE(mmap(NULL, 0, 3, MAP_PRIVATE | MAP_ANON, -1, 0) == (void *)-1 && errno == 22);
    REQUIRE(munmap(memory, 0) == -1 && errno == 22);
    // What may be taken back keeps its contents or loses them, page by page: a program may count on
    // neither.
    memset(memory, 'x', size);
    REQUIRE(madvise(memory, size, MADV_FREE_REUSABLE) == 0);
    int kept = 0;
    int lost = 0;
    for (int at = 0; at < size; at += 4096) {
        kept += is_filled(memory + at, 'x');
        lost += is_filled(memory + at, 0);
    }
    REQUIRE(kept > 0 && lost > 0 && kept + lost == 64);
    REQUIRE(madvise(memory, size, MADV_FREE_REUSE) == 0);
    // macOS's MADV_DONTNEED is a hint only.
    memset(memory, 'y', size);
    REQUIRE(madvise(memory, size, 4) == 0 && is_filled(memory, 'y'));
    REQUIRE(madvise(memory, size, 1000) == -1 && errno == 22);
    REQUIRE(munmap(memory, size) == 0);

    uint64_t address = 0;
    REQUIRE(mach_vm_map(mach_task_self_, &address, size, 0xfffff, 1, 0, 0, 0, 0, 7, 1) == 0);
    REQUIRE(address % 0x100000 == 0);
    REQUIRE(mprotect((void *)address, size, 3) == 0);
    *(char *)address = 1;
    // There is something already.
    uint64_t same = address;
    REQUIRE(mach_vm_map(mach_task_self_, &same, size, 0, 0, 0, 0, 0, 0, 7, 1) == 3);
    REQUIRE(mach_vm_deallocate(mach_task_self_, address, size) == 0);
    REQUIRE(mach_vm_map(mach_task_self_, &same, size, 0, 0, 0, 0, 0, 0, 7, 1) == 0 &&
            same == address);
    puts("ok");
    return 0;
}
