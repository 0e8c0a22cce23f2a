#include "shim/check/report.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <unistd.h>

#include "core/tasks.hpp"
#include "shim/check/blocks.hpp"
#include "shim/check/lock.hpp"
#include "shim/check/options.hpp"
#include "shim/check/report_text.hpp"
#include "shim/check/reports_file.hpp"
#include "shim/observe/descriptor.hpp"
#include "shim/observe/log.hpp"
#include "shim/observe/plain_text.hpp"
#include "shim/observe/standard_error.hpp"

namespace scratch::shim::check {

namespace {

constinit std::array<std::uint64_t, 4096> told = {};
constinit std::atomic<std::uint64_t> defects{0};
constinit std::atomic<std::uint64_t> repetitions{0};

// Told at exit, in one report for many blocks.
bool is_summary(defect kind) noexcept { return kind == defect::escape || kind == defect::leak; }

bool is_error(defect kind) noexcept {
    if (kind == defect::escape) return asked.escapes_are_errors;
    return kind != defect::leak || asked.leaks_are_errors;
}

// By what was done where, to a block from where.
bool is_told(const finding &found) noexcept {
    std::uint64_t key = static_cast<std::uint64_t>(found.kind) + 1;
    if (found.place != nullptr && found.place->depth != 0) key ^= found.place->frames[0] << 4;
    if (found.block != nullptr) key ^= std::uint64_t{found.block->allocated} << 40;
    for (std::size_t step = 0; step < told.size(); ++step) {
        std::uint64_t &at = told[((key * 0x9e3779b97f4a7c15 >> 32) + step) & (told.size() - 1)];
        if (at == key) return true;
        if (at == 0) {
            at = key;
            return false;
        }
    }
    return true;
}

// The places are many: not on the stack of whoever made the mistake.
constinit report_content content;

void add_trace(const char *title, std::span<const std::uintptr_t> frames) noexcept {
    place_name *first = content.places + content.place_count;
    for (const std::uintptr_t frame : frames)
        content.places[content.place_count++] = {.address = frame};
    content.traces[content.trace_count++] = {title, {first, frames.size()}};
}

void add_trace(const char *title, const kept_trace *kept) noexcept {
    if (kept != nullptr) add_trace(title, kept->all());
}

void fill(const finding &found) noexcept {
    content.found = &found;
    content.process = tasks::this_process();
    content.thread = tasks::calling_thread();
    content.trace_count = content.place_count = 0;
    trace_id ended = found.ended;
    if (found.place != nullptr)
        add_trace(found.where, std::span(found.place->frames, found.place->depth));
    if (found.block != nullptr) {
        add_trace("allocated here", trace_at(found.block->allocated));
        const bool twice = found.kind == defect::double_free;
        add_trace(twice ? "freed here before" : "freed here", trace_at(found.block->freed));
        if (ended == 0) ended = arena.pages[page_of(payload_of(*found.block))].ended;
    }
    const kept_trace *end = trace_at(ended);
    content.scope = end != nullptr ? scope_name(end->tag) : nullptr;
    add_trace("scope ended here", end);
    find_names({content.places, content.place_count}, asked.lines);
}

void write_it() noexcept {
    static constinit char room[1 << 16];
    if (has_reports_file()) {
        plain_text text(room, sizeof room);
        add_as_json(text, content);
        if (text.cut() || add_to_reports_file(text.view())) return;
    }
    if (!standard_error_unchanged()) return;
    plain_text text(room, sizeof room);
    add_as_text(text, content);
    text.end_with("\n");
    write_whole(STDERR_FILENO, text.view());
}

} // namespace

void open_reports(const char *pattern) noexcept {
    if (pattern != nullptr) open_reports_file(pattern);
}

void tell(const finding &found) noexcept {
    if (is_error(found.kind)) defects.fetch_add(1, std::memory_order_relaxed);
    {
        const locked here(guarded::reports);
        if (!is_summary(found.kind) && is_told(found)) {
            repetitions.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        fill(found);
        write_it();
    }
    if (!asked.halt || is_summary(found.kind)) return;
    if (asked.error_exitcode >= 0) _exit(asked.error_exitcode);
    std::abort();
}

bool anything_wrong() noexcept { return defects.load(std::memory_order_relaxed) != 0; }

void tell_repetitions() noexcept {
    const std::uint64_t count = repetitions.exchange(0, std::memory_order_relaxed);
    if (count != 0 && !has_reports_file() && standard_error_unchanged())
        log_raw("check: %lu more at places that were reported already",
                static_cast<unsigned long>(count));
}

} // namespace scratch::shim::check
