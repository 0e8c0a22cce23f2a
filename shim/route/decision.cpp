#include "shim/route/decision.hpp"

#include <algorithm>
#include <utility>

#include "core/tasks.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/heap/threads.hpp"
#include "shim/observe/counters.hpp"
#include "shim/route/route.hpp"
#include "shim/route/sites.hpp"
#include "shim/route/trial.hpp"

namespace scratch::shim {

constinit std::atomic<phase> phase_now{phase::watching};
constinit std::atomic<bool> routes_now{false};
constinit std::atomic<std::uint32_t> sample_interval{first_interval};

namespace {

// Calls are judged by windows of so many samples.
constexpr std::uint32_t window = 256;
// A sample costs some 400 instructions. After so many windows, and again after as many, one is
// taken a quarter as often: of a program that gains nothing the first 65,536 calls pay 6
// instructions each, later ones less than 1.
constexpr std::uint32_t windows_per_interval = 4;
// A look into the table costs every call about 14 instructions, and a routed call and its free save
// about 80 of glibc's 130: below a sixth nothing is gained. From a third on it is tried.
constexpr std::uint32_t needed_share = window / 3;
// And a quarter of the calls have to have been routed, for that to go on.
constexpr std::uint32_t routed_of_four = 1;
// A window of a trial without routing: so many calls, some milliseconds of a busy program, against
// the microseconds that its two clocks take. One with routing has as many calls that pass as it is
// likely to have among so many.
constexpr std::uint32_t trial_calls = 16384;
constexpr std::uint32_t trial_interval = 256;
// After so many windows of routing it is tried again: programs have phases.
constexpr std::uint32_t windows_between_trials = 64;
// As often a trial may fail, and the program is left alone.
constexpr std::uint32_t trials_to_fail = 2;
// So many windows without a gain (two million calls), and the program is left alone.
constexpr std::uint32_t patience = 16;

// The window that runs. Whoever takes its last sample decides, alone until `samples` is 0 again.
struct window_counts {
    std::atomic<std::uint32_t> samples;
    std::atomic<std::uint32_t> eligible;
    std::atomic<std::uint64_t> passed; // calls, those to scratch not among them
    std::atomic<std::uint32_t> length; // in samples
};
constinit window_counts current{0, 0, 0, window};

// Set in `samples` while somebody decides: what the others count meanwhile reaches no length, the
// next window's neither.
constexpr std::uint32_t deciding = std::uint32_t{1} << 31;

// For who decides only.
struct decision {
    std::uint32_t windows;
    std::uint32_t windows_of_phase;
    std::uint32_t failed_trials;
    std::uint32_t eligible; // of `window` samples, before the trial
    std::uint64_t scratch_calls;
    std::uint64_t cpu_time;
    trial tried;
};
constinit decision decided{};

void enter_phase(phase entered, bool routes) noexcept {
    phase_now.store(entered, std::memory_order_relaxed);
    decided.windows_of_phase = 0;
    if (routes) route_eligible_sites();
    if (entered != phase::routing && entered != phase::trying) unroute_all_sites();
    if (entered == phase::gave_up) counters().gave_up.store(1, std::memory_order_relaxed);
    routes_now.store(routes, std::memory_order_relaxed);
    redirect_entries();
}

std::uint64_t scratch_calls_since_last_time() noexcept {
    std::uint64_t all = 0;
    for (std::uint32_t slot = 0; slot < heaps_ever_started(); ++slot)
        all += heap_at(slot)->hot.counted.scratch_calls;
    return all - std::exchange(decided.scratch_calls, all);
}

std::uint64_t cpu_time_since_last_time() noexcept {
    const std::uint64_t now = tasks::cpu_time_of_process();
    return now - std::exchange(decided.cpu_time, now);
}

void begin_trial_window() noexcept {
    const bool routes = decided.tried.routes();
    constexpr std::uint32_t samples = trial_calls / trial_interval;
    const std::uint32_t passing = samples * (window - decided.eligible) / window;
    current.length.store(routes ? std::max(passing, 1U) : samples, std::memory_order_relaxed);
    enter_phase(phase::trying, routes);
    scratch_calls_since_last_time();
    cpu_time_since_last_time();
}

void begin_trial(std::uint32_t eligible) noexcept {
    route_eligible_sites();
    decided.eligible = eligible;
    decided.tried = {};
    begin_trial_window();
}

void end_trial(phase next) noexcept {
    current.length.store(window, std::memory_order_relaxed);
    enter_phase(next, next == phase::routing);
}

bool are_too_few(std::uint64_t routed, std::uint64_t passed) noexcept {
    return routed * (4 - routed_of_four) < passed * routed_of_four;
}

void end_trial_window(std::uint64_t passed) noexcept {
    const std::uint64_t nanoseconds = cpu_time_since_last_time();
    const std::uint64_t routed = scratch_calls_since_last_time();
    // The program went on to other sites: that says nothing of what routing gains.
    if (decided.tried.routes() && are_too_few(routed, passed)) return end_trial(phase::watching);
    switch (decided.tried.end_window(nanoseconds, passed + routed)) {
    case verdict::undecided:
        return begin_trial_window();
    case verdict::gains:
        return end_trial(phase::routing);
    case verdict::does_not_gain:
        return end_trial(++decided.failed_trials < trials_to_fail ? phase::watching
                                                                  : phase::gave_up);
    }
}

void end_window(std::uint32_t eligible, std::uint64_t passed) noexcept {
    ++decided.windows_of_phase;
    switch (phase_now.load(std::memory_order_relaxed)) {
    case phase::watching:
        if (++decided.windows % windows_per_interval == 0) {
            const std::uint32_t samples_every = sample_interval.load(std::memory_order_relaxed);
            sample_interval.store(std::min(samples_every * 4, longest_interval),
                                  std::memory_order_relaxed);
        }
        if (eligible >= needed_share && decided.windows_of_phase > decided.failed_trials * patience)
            begin_trial(eligible);
        else if (decided.windows >= patience * (1 + decided.failed_trials))
            enter_phase(phase::gave_up, false);
        break;
    case phase::trying:
        end_trial_window(passed);
        break;
    case phase::routing: {
        const std::uint64_t routed = scratch_calls_since_last_time();
        if (are_too_few(routed, passed))
            enter_phase(phase::watching, false);
        else if (decided.windows_of_phase == windows_between_trials)
            begin_trial(static_cast<std::uint32_t>(window * routed / (routed + passed)));
        else
            route_eligible_sites();
        break;
    }
    case phase::gave_up:
        break;
    }
}

} // namespace

void count_sample(std::uint32_t passed, bool eligible) noexcept {
    current.passed.fetch_add(passed, std::memory_order_relaxed);
    if (eligible) current.eligible.fetch_add(1, std::memory_order_relaxed);
    if (current.samples.fetch_add(1, std::memory_order_acquire) + 1 !=
        current.length.load(std::memory_order_relaxed))
        return;
    current.samples.fetch_or(deciding, std::memory_order_relaxed);
    end_window(current.eligible.exchange(0, std::memory_order_relaxed),
               current.passed.exchange(0, std::memory_order_relaxed));
    current.samples.store(0, std::memory_order_release);
}

void resume_decisions_in_child() noexcept { current.samples.store(0, std::memory_order_relaxed); }

} // namespace scratch::shim
