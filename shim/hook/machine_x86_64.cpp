#include "shim/hook/machine.hpp"

#include <cpuid.h>
#include <cstdint>

// Compiled to use no vector register: the first hooked call may ask, with its arguments in them.
extern "C" {
extern std::uint8_t scratch_hook_state __attribute__((visibility("hidden")));
[[gnu::visibility("hidden")]] void scratch_hook_learn_machine() noexcept;
}

namespace scratch::shim {

const int frame_pointer = 6; // rbp

namespace {

// As hook/entry_x86_64.S has it.
constexpr unsigned kept_components = 0xe7;
constexpr unsigned room_for_state = 2688;

// How the entry keeps registers; said once and never changed, since what was kept in one way cannot
// be restored in the other.
constexpr std::uint8_t not_known = 0;
constexpr std::uint8_t by_fxsave = 1;
constexpr std::uint8_t by_xsave = 2;

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

extern "C" void scratch_hook_learn_machine() noexcept {
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    // The system saves and restores them, so programs may use them.
    const bool has_xsave = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_OSXSAVE) != 0;
    scratch_hook_state = has_xsave ? by_xsave : by_fxsave;
}

bool prepare_machine_for_hooks() noexcept {
    if (scratch_hook_state == not_known) scratch_hook_learn_machine();
    return scratch_hook_state == by_fxsave || has_room_for_components();
}

} // namespace scratch::shim
