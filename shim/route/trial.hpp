// Whether routing gains, found out by measuring: the process's CPU time for a call is taken in
// windows with and without routing, in turns, and the pairs are compared. No model of costs can
// tell: what a cheaper call saves, a program may lose again by other memory being warm (DESIGN 8).
#pragma once

#include <array>
#include <cstdint>

namespace scratch::shim {

enum class verdict : std::uint8_t { undecided, gains, does_not_gain };

class trial {
public:
    // Windows of one kind that are compared, at most; half of them decide where they agree.
    static constexpr std::uint32_t most_pairs = 32;

    // Whether the window that runs now is one with routing. They follow one another as with,
    // without, without, with: a program that gets slower or faster all the while favours neither.
    bool routes() const noexcept { return (windows_ & 3) == 0 || (windows_ & 3) == 3; }

    // The window that ran has taken so many nanoseconds of CPU time for so many calls; the next one
    // begins. Does not allocate.
    verdict end_window(std::uint64_t nanoseconds, std::uint64_t calls) noexcept;

private:
    verdict judge() const noexcept;

    std::uint32_t windows_ = 0;
    double first_of_pair_ = 0;                // nanoseconds per call
    std::array<double, most_pairs> ratios_{}; // with routing to without
};

} // namespace scratch::shim
