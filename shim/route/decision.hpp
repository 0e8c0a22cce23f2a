// What adaptive mode does with the program as a whole: watch it, try whether routing gains, route,
// or leave it alone.
#pragma once

#include <atomic>
#include <cstdint>

namespace scratch::shim {

enum class phase : std::uint8_t { watching, trying, routing, gave_up };

extern std::atomic<phase> phase_now;
// Whether calls look into the table of routed sites now; in the phase of trying by turns.
extern std::atomic<bool> routes_now;
// Calls between two samples from now on.
extern std::atomic<std::uint32_t> sample_interval;

// A call was looked at, after so many that passed; eligible: its site's blocks die young. Every so
// many samples the phase is thought over, and with it the entry points.
void count_sample(std::uint32_t passed, bool eligible) noexcept;

// In a forked child: the thread that was deciding did not come along.
void resume_decisions_in_child() noexcept;

} // namespace scratch::shim
