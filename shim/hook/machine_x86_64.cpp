#include "shim/hook/machine.hpp"

#include <cpuid.h>
#include <cstdint>

extern "C" std::uint8_t scratch_hook_has_xsave __attribute__((visibility("hidden")));

namespace scratch::shim {

namespace {

// As hook/entry_x86_64.S has it.
constexpr unsigned kept_components = 0xe7;
constexpr unsigned room_for_state = 2688;

unsigned components_in_use() noexcept {
    unsigned low;
    unsigned high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low & kept_components;
}

bool has_room_for_components() noexcept {
    const unsigned used = components_in_use();
    for (unsigned component = 2; component < 8; ++component) {
        if ((used >> component & 1) == 0) continue;
        unsigned size;
        unsigned offset;
        unsigned ignored_c;
        unsigned ignored_d;
        __cpuid_count(0xd, component, size, offset, ignored_c, ignored_d);
        if (offset + size > room_for_state) return false;
    }
    return true;
}

} // namespace

bool prepare_machine_for_hooks() noexcept {
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    // The system saves and restores them, so programs may use them.
    scratch_hook_has_xsave = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_OSXSAVE) != 0;
    return scratch_hook_has_xsave == 0 || has_room_for_components();
}

} // namespace scratch::shim
