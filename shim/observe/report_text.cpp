#include "shim/observe/report_text.hpp"

#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/counters.hpp"
#include "shim/observe/plain_text.hpp"
#include "shim/observe/without_folder.hpp"

#include <cinttypes>

namespace scratch::shim {

namespace {

// Wide enough for the names of most sites; the whole table is 74 columns.
constexpr int name_width = 36;

std::uint64_t value(const std::atomic<std::uint64_t> &counter) noexcept {
    return counter.load(std::memory_order_relaxed);
}

void add_row(plain_text &text, const char *name, std::uint64_t first,
             std::uint64_t second) noexcept {
    text.format("  %-*s%16" PRIu64 "%20" PRIu64 "\n", name_width, name, first, second);
}

void add_heading(plain_text &text, const char *name, const char *first,
                 const char *second) noexcept {
    text.format("  %-*s%16s%20s\n", name_width, name, first, second);
}

void add_place(plain_text &text, std::uintptr_t caller) noexcept {
    const site_place place = find_place(caller);
    if (caller == 0)
        text.add("code that is loaded no more");
    else if (place.module == nullptr)
        text.format("%p in no loaded object", reinterpret_cast<void *>(caller));
    else if (place.symbol == nullptr)
        text.format("%.80s+0x%zx", without_folder(place.module), place.module_offset);
    else
        text.format("%.80s!%.200s+0x%zx", without_folder(place.module), place.symbol,
                    place.symbol_offset);
}

void add_sites(plain_text &text, const report_content &content) noexcept {
    if (content.sites.empty()) return;
    const sampling &taken = content.of_sites;
    fixed_text<64> heading;
    heading.add("site");
    const bool all = taken.longest <= 1;
    if (!all)
        heading.format(" (one call in %u to %u)", unsigned{taken.first}, unsigned{taken.longest});
    heading.add('\0');
    add_heading(text, heading.view().data(), all ? "calls" : "samples", "bytes");
    for (const site_line *site : content.sites) {
        text.add("  ");
        fixed_text<512> name;
        add_place(name, site->caller);
        text.add(name.view());
        // A long name gets the row to itself, so that the numbers stay in their columns.
        const int size = static_cast<int>(name.view().size());
        if (size > name_width)
            text.format("\n  %*s", name_width, "");
        else
            text.format("%*s", name_width - size, "");
        text.format("%16" PRIu64 "%20" PRIu64, site->calls, site->bytes);
        if (site->escapes != 0) text.format("  escapes %" PRIu64, site->escapes);
        if (site->routed) text.add("  routed");
        if (site->demoted) text.add("  demoted");
        if (site->depths > 1) text.format("  depths %u", unsigned{site->depths});
        text.add('\n');
    }
}

const char *explain(std::uint32_t reason) noexcept {
    switch (static_cast<stand_aside_reason>(reason)) {
    case stand_aside_reason::own_malloc:
        return "the program has a malloc of its own";
    case stand_aside_reason::own_operators:
        return "the program has an operator new of its own";
    case stand_aside_reason::deepbind:
        return "a library of the program is bound to libc's free (RTLD_DEEPBIND)";
    case stand_aside_reason::no_memory:
        return "no addresses could be reserved for the stacks";
    default:
        return name_of_reason(reason);
    }
}

void add_counts(plain_text &text, const report_content &content) noexcept {
    const process_counters &totals = content.totals;
    add_heading(text, "route", "calls", "bytes");
    add_row(text, "scratch", value(totals.scratch_calls), value(totals.scratch_bytes));
    add_row(text, "next", value(totals.next_calls), value(totals.next_bytes));
    add_heading(text, "held in bytes", "at the end", "peak");
    add_row(text, "chunks", value(totals.chunk_bytes), value(totals.chunk_bytes_peak));
    const std::uint64_t over = value(totals.over_budget_peak);
    if (over != 0)
        text.format("  the budget was passed by %" PRIu64
                    " bytes: trusted regions ended inexactly\n",
                    over);
    add_row(text, "trusted regions", value(totals.trusted_bytes), value(totals.trusted_bytes_peak));
    add_row(text, "large blocks", value(totals.large_bytes), value(totals.large_bytes_peak));
    add_row(text, "pinned", value(totals.pinned_bytes), value(totals.pinned_bytes_peak));
    text.format("  regions entered %" PRIu64 ", escapes %" PRIu64 " (%" PRIu64 " bytes)\n",
                value(totals.regions_entered), value(totals.escapes), value(totals.escaped_bytes));
    const std::uint64_t rested = value(totals.regions_rested);
    if (rested != 0)
        text.format("  regions not opened %" PRIu64
                    ": what outlived the last ones held too much of the budget\n",
                    rested);
    text.format("  sites seen %" PRIu64 ", routed %" PRIu64 ", demoted %" PRIu64 "\n",
                value(totals.sites_seen), value(totals.sites_routed), value(totals.sites_demoted));
    text.format("  threads %" PRIu64 ", frees by other threads %" PRIu64
                ", calls refused by the budget %" PRIu64 "\n",
                value(totals.threads), value(totals.remote_frees), value(totals.budget_refusals));
    if (!content.hooked.empty()) text.format("  %-*s%16s\n", name_width, "hooked", "calls");
    for (const hook_line &one : content.hooked)
        text.format("  %-*.128s%16" PRIu64 "  %s\n", name_width, one.label, one.calls, one.kind);
    add_sites(text, content);
}

} // namespace

void add_report_as_text(plain_text &text, const report_content &content) noexcept {
    const process_counters &totals = content.totals;
    text.format("scratch: %.48s (process %u), mode %s, budget %zu bytes\n", totals.program,
                totals.pid, name_of_mode(totals.mode), content.options.budget);
    if (!calls_counted(totals))
        text.add("  not counted: all calls go to the next allocator\n");
    else if (value(totals.scratch_calls) != 0 || value(totals.next_calls) != 0 ||
             !content.sites.empty())
        add_counts(text, content);
    else
        // A shell's children, most of all: twelve rows of zeros for each would bury the others.
        text.add("  no calls\n");
    const std::uint32_t reason = totals.stood_aside.load(std::memory_order_relaxed);
    if (reason != 0) text.format("  stood aside: %s\n", explain(reason));
    if (nothing_gained(totals)) text.add("  nothing gained here\n");
}

} // namespace scratch::shim
