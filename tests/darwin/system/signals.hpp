// Signals by their two numbers.
#pragma once

namespace darwin::signals {

int from_host(int number);
int to_host(int number);

/// A status of wait, with the signal's number in it.
int status_from_host(int status);

/// From the start on, so that a fault of the program has the signal that it has on macOS.
void take_faults();

} // namespace darwin::signals
