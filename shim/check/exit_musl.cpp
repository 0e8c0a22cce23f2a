// musl tells nobody the status that a program ends with, and calls what atexit registered before
// all destructors of loaded objects. So ours is a destructor.

#include "shim/check/exit.hpp"

#include <cstdio>
#include <unistd.h>

#include "shim/check/start.hpp"

namespace scratch::shim::check {

namespace {

constexpr int own_status = -1; // no program can end with it

constinit bool called = false;

[[gnu::destructor]] void finish_last() {
    if (!called) return;
    const int wanted = finish(own_status);
    if (wanted == own_status) return;
    // What libc would still do after us.
    std::fflush(nullptr);
    _exit(wanted);
}

} // namespace

void call_at_exit() noexcept { called = true; }

} // namespace scratch::shim::check
