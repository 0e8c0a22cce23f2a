// Start and end of the shim in a process.
#pragma once

namespace scratch::shim {

// Finds the next allocator, reads the environment, directs the entry points. Idempotent; called by
// whichever export is called first, which is often before any constructor has run.
void start() noexcept;

// The process is a forked child (noticed in its first slow path): counts of its own.
void started_in_child() noexcept;

} // namespace scratch::shim
