#include "shim/check/start.hpp"

#include <atomic>
#include <string_view>

#include "shim/check/arena.hpp"
#include "shim/check/blocks.hpp"
#include "shim/check/exit.hpp"
#include "shim/check/family.hpp"
#include "shim/check/faults.hpp"
#include "shim/check/lock.hpp"
#include "shim/check/options.hpp"
#include "shim/check/places.hpp"
#include "shim/check/report.hpp"
#include "shim/check/traces.hpp"
#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/log.hpp"

namespace scratch::shim::check {

namespace {

constinit bool on = false;

const char *variable(char **environment, std::string_view name) noexcept {
    for (char **entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view whole(*entry);
        if (whole.size() > name.size() && whole.starts_with(name) && whole[name.size()] == '=')
            return *entry + name.size() + 1;
    }
    return nullptr;
}

} // namespace

bool start(char **environment, const char *output) noexcept {
    read_options(variable(environment, "SCRATCH_CHECK"));
    open_locks();
    if (!open_traces() || !open_places() || !open_arena()) {
        log_raw("there is no room for mode check: nothing is checked");
        return false;
    }
    open_reports(output);
    take_over_family();
    take_over_operators();
    watch_faults();
    on = true;
    return true;
}

void stand_aside() noexcept {
    if (!on || !check_no_more()) return;
    log(log_level::warn,
        "check: an object is loaded with RTLD_DEEPBIND, which frees past us: blocks "
        "from here on are not checked");
}

void start_with_the_program() noexcept {
    if (!on) return;
    load_unwinder();
    call_at_exit();
}

int finish(int status) noexcept {
    if (!on) return status;
    static constinit std::atomic<bool> finished{false};
    if (!finished.exchange(true)) {
        examine_all();
        tell_repetitions();
    }
    return anything_wrong() && asked.error_exitcode >= 0 ? asked.error_exitcode : status;
}

} // namespace scratch::shim::check
