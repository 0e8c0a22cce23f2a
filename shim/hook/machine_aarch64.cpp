#include "shim/hook/machine.hpp"

namespace scratch::shim {

const int frame_pointer = 29;

// The registers that carry arguments are the same on every processor; functions that take longer
// vectors are not hooked.
bool prepare_machine_for_hooks() noexcept { return true; }

} // namespace scratch::shim
