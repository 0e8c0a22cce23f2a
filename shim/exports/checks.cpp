// What libscratch-check.so calls: names only, no logic.

#include "shim/check/faults.hpp"
#include "shim/check/seam.hpp"
#include "shim/check/start.hpp"
#include "shim/check/traces.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

using namespace scratch::shim;

SCRATCH_EXPORT int scratch_check_sigaction(int signal, const struct sigaction *wanted,
                                           struct sigaction *before) {
    return check::set_action(signal, wanted, before);
}
SCRATCH_EXPORT int scratch_check_sigmask(int how, const sigset_t *wanted, sigset_t *before) {
    return check::set_mask(how, wanted, before);
}
SCRATCH_EXPORT void scratch_check_buffer(std::uintptr_t buffer, std::size_t size,
                                         const char *call) {
    check::look_at_buffer(reinterpret_cast<const void *>(buffer), size, call);
}
SCRATCH_EXPORT void scratch_check_calls_begin_at(const void *object) {
    check::leave_out_calls(object);
}
SCRATCH_EXPORT int scratch_check_before_exec() { return check::ignore_faults_if_ignored(); }
SCRATCH_EXPORT void scratch_check_after_exec() { check::watch_faults_again(); }
SCRATCH_EXPORT int scratch_check_finish(int status) { return check::finish(status); }
