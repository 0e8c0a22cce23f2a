#include "shim/check/exit.hpp"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "shim/check/start.hpp"

namespace scratch::shim::check {

namespace {

// Registered before all others, so called after them and after all destructors.
void finish_last(int status, void *) {
    const int wanted = finish(status);
    if (wanted == status) return;
    // What libc would still do after us.
    std::fflush(nullptr);
    _exit(wanted);
}

} // namespace

void call_at_exit() noexcept { on_exit(finish_last, nullptr); }

} // namespace scratch::shim::check
