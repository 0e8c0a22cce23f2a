#include "shim/lifecycle/process.hpp"

#include <atomic>

#include <crt_externs.h>

#include "shim/route/zone_darwin.hpp"

namespace scratch::shim {

namespace {

constinit std::atomic<bool> constructed{false};

} // namespace

// Calls come while libSystem itself is being set up, and zones can be registered only after that.
void note_constructor() noexcept { constructed.store(true, std::memory_order_release); }

void note_serving() noexcept { register_scratch_zone(); }

char **environment_of_process() noexcept {
    return constructed.load(std::memory_order_acquire) ? *_NSGetEnviron() : nullptr;
}

// What a program defines, the program alone is bound to: neither its calls nor its blocks come to
// us.
bool malloc_is_the_programs() noexcept { return false; }

} // namespace scratch::shim
