#include "shim/lifecycle/privilege.hpp"

#include <unistd.h>

namespace scratch::shim {

bool is_privileged() noexcept { return issetugid() != 0; }

} // namespace scratch::shim
