// What templates of libc++ call when they would throw, in an object compiled without exceptions,
// and what is called in the place of a function that a class does not have. A call of one of these
// is an error in the shim, not in the program, and ends with a sentence that says so.
#include "shim/observe/log.hpp"

#include <cstdlib>

#include <version>

namespace {

[[noreturn]] void stop(const char *what) noexcept {
    scratch::shim::log_raw("error inside the shim: %s", what);
    std::abort();
}

} // namespace

_LIBCPP_BEGIN_NAMESPACE_STD

[[noreturn]] void __libcpp_verbose_abort(const char *, ...) {
    stop("a condition of the C++ library");
}

_LIBCPP_END_NAMESPACE_STD

extern "C" [[noreturn, gnu::visibility("hidden")]] void __cxa_pure_virtual() {
    stop("a pure virtual function was called");
}
