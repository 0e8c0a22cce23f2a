#include "shim/observe/report.hpp"

#include "core/kept_errno.hpp"
#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/counters.hpp"
#include "shim/observe/counters_file.hpp"
#include "shim/observe/descriptor.hpp"
#include "shim/observe/plain_text.hpp"
#include "shim/observe/report_text.hpp"

#include <algorithm>
#include <array>
#include <dlfcn.h>
#include <unistd.h>

namespace scratch::shim {

namespace {

// Holds the longest report: ten sites, whose names are cut, with every byte of them escaped.
// Static, since the thread that calls exit may have a small stack; not touched, it costs nothing.
char room[48 * 1024];

bool weighs_more(const site_line &one, const site_line &other) noexcept {
    return one.bytes != other.bytes ? one.bytes > other.bytes : one.calls > other.calls;
}

// The heaviest sites, heaviest first, in a list that is filled up to the returned count.
std::size_t choose_sites(std::span<const site_line> sites,
                         std::array<const site_line *, most_sites_reported> &chosen) noexcept {
    std::size_t count = 0;
    for (const site_line &site : sites) {
        if (site.calls == 0) continue;
        std::size_t at = count;
        while (at > 0 && weighs_more(site, *chosen[at - 1]))
            --at;
        if (at == most_sites_reported) continue;
        count = std::min(count + 1, most_sites_reported);
        for (std::size_t behind = count - 1; behind > at; --behind)
            chosen[behind] = chosen[behind - 1];
        chosen[at] = &site;
    }
    return count;
}

// Written beside the file and renamed: whoever reads sees the counters or the report, whole.
bool replace_file(const char *path, std::string_view report) noexcept {
    static constinit path_text beside{};
    plain_text name(beside.bytes, sizeof beside.bytes);
    name.format("%s.new", path);
    name.add('\0');
    if (name.cut()) return false;
    const int descriptor = create_file(beside.bytes, 0666);
    if (descriptor < 0) return false;
    const bool written = write_whole(descriptor, report);
    close_descriptor(descriptor);
    if (written && rename_file(beside.bytes, path) == 0) return true;
    remove_file(beside.bytes);
    return false;
}

} // namespace

site_place find_place(std::uintptr_t caller) noexcept {
    site_place result;
    Dl_info found;
    // A return address may lie behind the end of the function that made the call.
    if (caller == 0 || ::dladdr(reinterpret_cast<void *>(caller - 1), &found) == 0) return result;
    result.module = found.dli_fname;
    result.module_offset = caller - reinterpret_cast<std::uintptr_t>(found.dli_fbase);
    if (found.dli_sname == nullptr) return result;
    result.symbol = found.dli_sname;
    result.symbol_offset = caller - reinterpret_cast<std::uintptr_t>(found.dli_saddr);
    return result;
}

const char *name_of_mode(std::uint32_t mode) noexcept {
    switch (static_cast<run_mode>(mode)) {
    case run_mode::off:
        return "off";
    case run_mode::scoped:
        return "scoped";
    case run_mode::profile:
        return "profile";
    case run_mode::adaptive:
        return "adaptive";
    case run_mode::record:
        return "record";
    case run_mode::check:
        return "check";
    }
    return "unknown";
}

const char *name_of_reason(std::uint32_t reason) noexcept {
    switch (static_cast<stand_aside_reason>(reason)) {
    case stand_aside_reason::none:
        return "none";
    case stand_aside_reason::own_malloc:
        return "own_malloc";
    case stand_aside_reason::own_operators:
        return "own_operators";
    case stand_aside_reason::deepbind:
        return "deepbind";
    case stand_aside_reason::no_memory:
        return "no_memory";
    }
    return "unknown";
}

// What adaptive mode put on the stack to look at it: no site was routed, and of all calls it
// samples one in 64 at most.
bool only_sampled(const process_counters &totals) noexcept {
    return totals.sites_routed.load(std::memory_order_relaxed) == 0 &&
           totals.regions_entered.load(std::memory_order_relaxed) == 0 &&
           totals.scratch_calls.load(std::memory_order_relaxed) <
               totals.next_calls.load(std::memory_order_relaxed) / 16;
}

bool calls_counted(const process_counters &totals) noexcept {
    return totals.mode != static_cast<std::uint32_t>(run_mode::off) &&
           totals.stood_aside.load(std::memory_order_relaxed) !=
               static_cast<std::uint32_t>(stand_aside_reason::own_malloc);
}

bool nothing_gained(const process_counters &totals) noexcept {
    return totals.scratch_calls.load(std::memory_order_relaxed) == 0 || only_sampled(totals) ||
           totals.gave_up.load(std::memory_order_relaxed) != 0;
}

void write_report(const configuration &configuration, const process_counters &totals,
                  std::span<const site_line> sites, sampling of_sites,
                  std::span<const hook_line> hooked) noexcept {
    if (configuration.statistics == statistics_format::none) return;
    const kept_errno keep;
    std::array<const site_line *, most_sites_reported> chosen{};
    const std::size_t count = choose_sites(sites, chosen);
    const report_content content{configuration, totals, {chosen.data(), count}, of_sites, hooked};

    plain_text report(room, sizeof room);
    if (configuration.statistics == statistics_format::json)
        add_report_as_json(report, content);
    else
        add_report_as_text(report, content);
    if (!report.view().ends_with('\n')) report.end_with("\n");

    const char *path = asked_output_path();
    if (path != nullptr && replace_file(path, report.view())) return;
    if (standard_error_unchanged()) write_whole(STDERR_FILENO, report.view());
}

} // namespace scratch::shim
