#include "shim/hook/unwound.hpp"

#include "shim/hook/machine.hpp"
#include "shim/route/dynamic_symbols.hpp"

namespace scratch::shim {

namespace {

using register_function = std::uintptr_t (*)(void *context, int number);

register_function find_registers_of(const void *unwinder) noexcept {
    std::uintptr_t found = 0;
    for_each_object([&](const dl_phdr_info &object) {
        if (!contains(object, unwinder)) return false;
        found = find_function(object, "_Unwind_GetGR", nullptr);
        return true;
    });
    return reinterpret_cast<register_function>(found);
}

} // namespace

const hook_frame *unwound_frame(void *context, const void *unwinder) noexcept {
    const register_function read = find_registers_of(unwinder);
    if (read == nullptr) return nullptr;
    return reinterpret_cast<const hook_frame *>(read(context, frame_pointer)) - 1;
}

} // namespace scratch::shim
