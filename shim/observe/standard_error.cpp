#include "shim/observe/standard_error.hpp"

#include "shim/observe/descriptor.hpp"

#include <unistd.h>

namespace scratch::shim {

namespace {

constinit file_identity at_start{};
constinit bool remembered = false;

} // namespace

void remember_standard_error() noexcept {
    at_start = identify(STDERR_FILENO);
    remembered = true;
}

bool standard_error_unchanged() noexcept {
    return !remembered || identify(STDERR_FILENO).same_file(at_start);
}

} // namespace scratch::shim
