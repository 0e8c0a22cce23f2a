#include "shim/route/trial.hpp"

#include <algorithm>

namespace scratch::shim {

namespace {

// What a pair met by accident (a page fault more, another process in the cache) is far off: an
// eighth at each end is left out.
constexpr std::uint32_t left_out_of_eight = 1;
// A mean so many of its standard errors away from 1 is no accident; a normal 2 would do if nothing
// were left out, which makes the spread look smaller than it is.
constexpr double certain = 3;

} // namespace

verdict trial::end_window(std::uint64_t nanoseconds, std::uint64_t calls) noexcept {
    const double now =
        static_cast<double>(nanoseconds) / static_cast<double>(std::max(calls, std::uint64_t{1})) +
        1e-9;
    const bool routed = routes();
    const std::uint32_t pair = windows_++ / 2;
    if (windows_ % 2 != 0) {
        first_of_pair_ = now;
        return verdict::undecided;
    }
    ratios_[pair] = routed ? now / first_of_pair_ : first_of_pair_ / now;
    const std::uint32_t pairs = pair + 1;
    if (pairs % (most_pairs / 2) != 0) return verdict::undecided;
    const verdict judged = judge();
    if (judged != verdict::undecided || pairs != most_pairs) return judged;
    return verdict::does_not_gain;
}

// By the mean of the pairs' ratios and its standard error.
verdict trial::judge() const noexcept {
    std::array<double, most_pairs> sorted = ratios_;
    const std::uint32_t pairs = windows_ / 2;
    // An order of our own: for the usual one libc++ has the function compiled already, in itself.
    std::sort(sorted.begin(), sorted.begin() + pairs,
              [](double left, double right) { return left < right; });
    const std::uint32_t left_out = pairs * left_out_of_eight / 8;
    const double count = pairs - 2 * left_out;
    double sum = 0;
    double squares = 0;
    for (std::uint32_t i = left_out; i < pairs - left_out; ++i) {
        sum += sorted[i];
        squares += sorted[i] * sorted[i];
    }
    const double mean = sum / count;
    // Compared as squares: a square root would be a call into the mathematics library.
    const double variance_of_mean = (squares / count - mean * mean) / (count - 1);
    const double distance = 1 - mean;
    const bool is_certain = distance * distance > certain * certain * variance_of_mean;
    if (!is_certain) return verdict::undecided;
    return distance > 0 ? verdict::gains : verdict::does_not_gain;
}

} // namespace scratch::shim
