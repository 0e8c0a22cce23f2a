// What the entry in assembly and the code behind it agree on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/hook/table.hpp"
#include "shim/region/region.hpp"

namespace scratch::shim {

// On the machine stack of a hooked call, directly below the saved frame pointer.
struct hook_frame {
    hook_entry *entry;
    // What the token of the region that the call opened is made of.
    std::uint32_t serial;
    std::uint16_t depth;
    std::uint16_t slot;
    std::uintptr_t target; // where the call goes on
    std::size_t copied;    // bytes of stack arguments, a multiple of 16
    std::uint64_t
        arguments[8];        // x86-64: the first six integers, rax, r10; AArch64: the first eight
    std::uint64_t others[2]; // AArch64: x8, x18

    // The caller's, less the return address: behind the frame and the caller's frame pointer.
    std::uintptr_t stack_pointer() const noexcept {
        return reinterpret_cast<std::uintptr_t>(this + 1) + sizeof(std::uintptr_t);
    }
    std::uintptr_t return_address() const noexcept {
        return *reinterpret_cast<const std::uintptr_t *>(stack_pointer());
    }
};

// Offsets from its address; the assembly has the same numbers.
static_assert(offsetof(hook_frame, target) == 16 && offsetof(hook_frame, copied) == 24 &&
              offsetof(hook_frame, arguments) == 32 && sizeof(hook_frame) == 112);

enum class hook_answer : int {
    jump = 0,   // nothing to end: as if the hook were not there
    call = 1,   // slow form of begin: call the target; end: all is done
    slowly = 2, // ask the slow form, which may use all registers
};

// What the quick form of begin answers, in two registers.
struct hook_call {
    std::uintptr_t target; // to be called; 0: as `otherwise` says
    std::uint64_t copied_or_otherwise;
};

extern "C" {

// 0 while no hook has anything to do: every call jumps on as soon as its target is known.
extern std::uint8_t scratch_hooks_live __attribute__((visibility("hidden")));

// The quick forms touch no vector register, since arguments and results are in them.
// The frame has its arguments only then, and all but what is to be copied where this does not
// answer to call.
[[gnu::visibility("hidden")]] hook_call scratch_hook_begin(hook_frame *frame,
                                                           hook_entry *entry) noexcept;
[[gnu::visibility("hidden")]] hook_answer scratch_hook_end(hook_frame *frame) noexcept;
[[gnu::visibility("hidden")]] hook_answer scratch_hook_begin_slowly(hook_frame *frame) noexcept;
[[gnu::visibility("hidden")]] void scratch_hook_end_slowly(hook_frame *frame) noexcept;

// The personality of the entry's frame: an unwinder comes here when an exception, pthread_exit or
// a cancellation passes. Its types are the C++ ABI's, whose header belongs to a runtime.
[[gnu::visibility("hidden")]] int scratch_hook_personality(int version, int actions,
                                                           std::uint64_t exception_class,
                                                           void *exception, void *context) noexcept;

} // extern "C"

} // namespace scratch::shim
