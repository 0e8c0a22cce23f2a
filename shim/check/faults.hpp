// Faults: a use of a closed page is told and let go on; everything else reaches the program as if
// nothing stood in between.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>

namespace scratch::shim::check {

// Puts our handler before what the process has for SIGSEGV.
void watch_faults() noexcept;

// sigaction(2), as the program sees it. What it sets for SIGSEGV stands behind ours, and what it
// blocks while it handles other signals leaves faults through.
int set_action(int signal, const struct sigaction *wanted, struct sigaction *before) noexcept;

// pthread_sigmask as the program sees it: SIGSEGV is noted as blocked, and stays open, since the
// kernel kills a process whose fault is blocked.
int set_mask(int how, const sigset_t *wanted, sigset_t *before) noexcept;

// Before an exec: where the program ignores SIGSEGV the system is told so, since that passes on and
// our handler does not. Whether it was told; then what follows takes it back.
bool ignore_faults_if_ignored() noexcept;
void watch_faults_again() noexcept;

// A buffer that goes to the system: told, and made usable, where its block is given back. `call`
// names the function.
void look_at_buffer(const void *buffer, std::size_t size, const char *call) noexcept;

} // namespace scratch::shim::check
