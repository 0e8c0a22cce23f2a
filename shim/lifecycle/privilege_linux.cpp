#include "shim/lifecycle/privilege.hpp"

#include <sys/auxv.h>

namespace scratch::shim {

bool is_privileged() noexcept { return ::getauxval(AT_SECURE) != 0; }

} // namespace scratch::shim
