// Hooked functions: what the shim does for the hook object that `scratch run --region` and its kin
// preload.
#pragma once

namespace scratch::shim {

// Reads the table, finds where the calls go on, and lets the hooks work. Once, at start, after the
// mode is known; does nothing where there is no table.
void start_hooks() noexcept;

// In a forked child: what its parent's other threads were about to note, nobody notes here.
void forget_noting_threads() noexcept;

} // namespace scratch::shim
