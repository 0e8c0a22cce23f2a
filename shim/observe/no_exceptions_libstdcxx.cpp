// What templates of the C++ library call when they would throw. The preloaded object has no
// exceptions of its own, and links nothing of libstdc++: its archive would bring in the exceptions'
// emergency pool (72 KB taken by malloc at the start of every process) and the set-up of locales
// and streams. A call of one of these is an error in the shim, not in the program, and ends with a
// sentence that says so.
#include "shim/observe/log.hpp"

#include <cstdlib>
#include <functional>
#include <stdexcept>

namespace {

[[noreturn]] void stop(const char *what) noexcept {
    scratch::shim::log_raw("error inside the shim: %s", what);
    std::abort();
}

} // namespace

namespace std {

void __throw_bad_alloc() { stop("out of memory"); }
void __throw_bad_array_new_length() { stop("an array larger than memory"); }
void __throw_bad_function_call() { stop("an empty function was called"); }
void __throw_invalid_argument(const char *what) { stop(what); }
void __throw_length_error(const char *what) { stop(what); }
void __throw_logic_error(const char *what) { stop(what); }
void __throw_out_of_range(const char *what) { stop(what); }
void __throw_out_of_range_fmt(const char *what, ...) { stop(what); }
void __throw_runtime_error(const char *what) { stop(what); }

// Of _GLIBCXX_ASSERTIONS, which meson 1.4 and later define where asserts are on.
void __glibcxx_assert_fail(const char *, int, const char *, const char *what) noexcept {
    stop(what);
}

} // namespace std

extern "C" [[noreturn]] void __cxa_pure_virtual() { stop("a pure virtual function was called"); }
