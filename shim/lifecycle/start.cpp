#include "shim/lifecycle/start.hpp"

#include <atomic>
#include <climits>
#include <cstring>

#include "shim/check/start.hpp"
#include "shim/heap/chunks.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/statistics.hpp"
#include "shim/heap/threads.hpp"
#include "shim/hook/counts.hpp"
#include "shim/hook/hooks.hpp"
#include "shim/lifecycle/configuration.hpp"
#include "shim/lifecycle/process.hpp"
#include "shim/next/next.hpp"
#include "shim/observe/counters.hpp"
#include "shim/observe/log.hpp"
#include "shim/observe/report.hpp"
#include "shim/region/escapes.hpp"
#include "shim/route/route.hpp"
#include "shim/route/samples.hpp"
#include "shim/route/sites.hpp"

namespace scratch::shim {

namespace {

enum class progress : int { not_started, starting, started };
constinit std::atomic<progress> state{progress::not_started};
constinit configuration in_force;
constinit const char *checks_go_to = nullptr;

bool shows_numbers() noexcept {
    return in_force.statistics != statistics_format::none || in_force.output != nullptr;
}

// Programs that set their titles overwrite the environment they were given, and children read the
// pattern again.
void keep_output_pattern() noexcept {
    static constinit char pattern[PATH_MAX] = {};
    if (in_force.output == nullptr) return;
    const std::size_t length = strnlen(in_force.output, sizeof(pattern) - 1);
    std::memcpy(pattern, in_force.output, length);
    in_force.output = pattern;
}

void configure() noexcept {
    remember_standard_error();
    char **const environment = environment_of_process();
    in_force = read_configuration(environment);
    keep_output_pattern();
    set_log_level(in_force.log);
    set_budget(in_force.budget);
    if (in_force.mode == run_mode::check) {
        // Its output is what it reports.
        checks_go_to = in_force.output;
        in_force.output = nullptr;
        in_force.statistics = statistics_format::none;
    }
    counters().mode = static_cast<std::uint32_t>(in_force.mode);
    if (shows_numbers()) open_counters(in_force, environment, false);
    if (in_force.mode != run_mode::off && malloc_is_the_programs()) {
        counters().stood_aside.store(static_cast<std::uint32_t>(stand_aside_reason::own_malloc));
        direct_entries(run_mode::off, false);
        if (in_force.mode == run_mode::check)
            log(log_level::warn, "check: the program has a malloc of its own: nothing is checked");
        return;
    }
    if (in_force.mode != run_mode::off || shows_numbers()) watch_for_fork();
    if (in_force.mode == run_mode::check && !check::start(environment, checks_go_to))
        in_force.mode = run_mode::off;
    if (in_force.mode != run_mode::off) note_serving();
    direct_entries(in_force.mode, shows_numbers());
}

[[gnu::constructor]] void start_with_the_program() noexcept {
    note_constructor();
    start();
    check::start_with_the_program();
}

[[gnu::destructor]] void finish_with_the_program() noexcept {
    if (state.load(std::memory_order_acquire) != progress::started) return;
    // In a forked child that made no call since, this is where it notices that it is one.
    const inside here;
    publish_all_heaps();
    if (in_force.statistics != statistics_format::none) {
        site_line sites[10];
        hook_line hooked[most_hooks_reported];
        std::size_t count = list_sites(sites);
        sampling of_sites{.first = first_interval, .longest = longest_interval};
        if (count == 0) {
            // Mode scoped samples nothing, and knows what escaped.
            count = list_escapes(sites);
            of_sites = {};
        }
        write_report(in_force, counters(), std::span(sites).first(count), of_sites,
                     std::span(hooked).first(list_hooked(hooked)));
    }
    close_counters();
}

} // namespace

void start() noexcept {
    // Not a second time: mode check has put itself before what was found, and the program's next
    // dlerror is to tell of its own call.
    if (state.load(std::memory_order_acquire) == progress::started) return;
    resolve_next();
    if (environment_of_process() == nullptr) return;
    progress seen = progress::not_started;
    if (!state.compare_exchange_strong(seen, progress::starting, std::memory_order_acquire)) return;
    configure();
    if (!in_force.follow) stop_following(environment_of_process());
    start_hooks();
    state.store(progress::started, std::memory_order_release);
}

void started_in_child() noexcept {
    forget_published_counts();
    counters().mode = static_cast<std::uint32_t>(in_force.mode);
    if (!shows_numbers()) return;
    open_counters(in_force, environment_of_process(), true);
    forget_sampled_calls();
    forget_escapes();
}

} // namespace scratch::shim
