// Whether descriptor 2 still is the standard error that the program was started with.
#pragma once

namespace scratch::shim {

// Remembers which file standard error is now, so that neither report nor log is ever written into a
// file that the program opened later as descriptor 2. Called once at start, by one thread.
void remember_standard_error() noexcept;

// False where descriptor 2 was closed or is another file than it was; true before
// remember_standard_error. Any thread, signal handlers too.
bool standard_error_unchanged() noexcept;

} // namespace scratch::shim
