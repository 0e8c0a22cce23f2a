// What the entry in assembly needs to know of the processor.
#pragma once

namespace scratch::shim {

// False where the registers that carry arguments could not all be kept: then no hook may work.
bool prepare_machine_for_hooks() noexcept;

// The frame pointer's number, as DWARF counts registers: the entry's frame is found by it.
extern const int frame_pointer;

} // namespace scratch::shim
