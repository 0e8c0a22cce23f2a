// What libscratch-check.so, the object that only `scratch check` preloads, calls in the shim. Weak
// there: it may be preloaded alone, and passes everything on then.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>

extern "C" {

// sigaction(2) and pthread_sigmask(3) as the program is to see them (check/faults.hpp).
int scratch_check_sigaction(int signal, const struct sigaction *wanted, struct sigaction *before);
int scratch_check_sigmask(int how, const sigset_t *wanted, sigset_t *before);

// `size` bytes at `buffer` are about to be handed to the system by the function `call`. As a
// number: the compiler knows that read(2) does not read the buffer, and would warn.
void scratch_check_buffer(std::uintptr_t buffer, std::size_t size, const char *call);

// Where the object begins: what it does between the program and the system is in no backtrace.
void scratch_check_calls_begin_at(const void *object);

// The process is about to become another program; true where that needs scratch_check_after_exec if
// it does not.
int scratch_check_before_exec();
void scratch_check_after_exec();

// The process is about to end without its exit handlers; returns the status to end with.
int scratch_check_finish(int status);

} // extern "C"
