// Mode check begins and ends.
#pragma once

namespace scratch::shim::check {

// Takes the place of the next allocator: every block that the program asks for is a checked one.
// `environment` for SCRATCH_CHECK, `output` the pattern of SCRATCH_OUTPUT or null. False where
// there is no room; then nothing was changed. Once, at start.
bool start(char **environment, const char *output) noexcept;

// An object is about to be loaded whose frees do not come to us: no block is checked from now on,
// those that are stay so.
void stand_aside() noexcept;

// What has to wait until the loader can be called: at the constructor of the object.
void start_with_the_program() noexcept;

// At the very end, or before a program leaves without one: reports what can be known then only.
// Returns the exit status to use.
int finish(int status) noexcept;

} // namespace scratch::shim::check
