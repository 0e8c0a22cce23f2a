// Clocks by macOS's numbers.
#include "names.hpp"

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <sys/time.h>

namespace darwin::clocks {
namespace {

struct pair {
    int darwin;
    clockid_t host;
};
constexpr pair all[] = {{0, CLOCK_REALTIME},
                        {4, CLOCK_MONOTONIC_RAW},
                        {5, CLOCK_MONOTONIC_RAW},
                        {6, CLOCK_MONOTONIC},
                        {8, CLOCK_MONOTONIC},
                        {9, CLOCK_MONOTONIC_COARSE},
                        {12, CLOCK_PROCESS_CPUTIME_ID},
                        {16, CLOCK_THREAD_CPUTIME_ID}};

int get(int number, timespec *now) {
    for (const pair &at : all)
        if (at.darwin == number) return clock_gettime(at.host, now);
    errno = EINVAL;
    return -1;
}

int resolution(int number, timespec *step) {
    for (const pair &at : all)
        if (at.darwin == number) return clock_getres(at.host, step);
    errno = EINVAL;
    return -1;
}

std::uint64_t nanoseconds(int number) {
    timespec now{};
    if (get(number, &now) != 0) return 0;
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

// macOS's microseconds are 32 bits wide, and what stands behind them is anything.
struct moment {
    std::int64_t seconds;
    std::int32_t microseconds;
};
struct interval {
    moment every;
    moment next;
};

timeval to_host(const moment &at) { return {at.seconds, at.microseconds}; }
moment from_host(const timeval &at) { return {at.tv_sec, static_cast<std::int32_t>(at.tv_usec)}; }

// The three kinds have the same numbers.
int set_timer(int kind, const interval *wanted, interval *old) {
    itimerval before{};
    const itimerval host{to_host(wanted->every), to_host(wanted->next)};
    if (setitimer(static_cast<__itimer_which_t>(kind), &host, &before) != 0) return -1;
    if (old != nullptr) *old = {from_host(before.it_interval), from_host(before.it_value)};
    return 0;
}

} // namespace
} // namespace darwin::clocks

namespace darwin::system {

std::span<const entry> clock_names() {
    using namespace darwin::clocks;
    static const entry names[] = {
        function("clock_gettime", get),
        function("clock_getres", resolution),
        function("clock_gettime_nsec_np", nanoseconds),
        function("setitimer", set_timer),
    };
    return names;
}

} // namespace darwin::system
