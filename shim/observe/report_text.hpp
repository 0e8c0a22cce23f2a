// The two forms of the report, made in memory.
#pragma once

#include "shim/observe/report.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace scratch::shim {

class plain_text;

inline constexpr std::size_t most_sites_reported = 10;

// Where a site is, as far as the loader knows. The texts belong to the loader.
struct site_place {
    const char *module = nullptr;
    std::uintptr_t module_offset = 0;
    const char *symbol = nullptr;
    std::uintptr_t symbol_offset = 0;
};
site_place find_place(std::uintptr_t caller) noexcept;

// The names that SCRATCH_MODE and the key stood_aside use; "unknown" for other numbers.
const char *name_of_mode(std::uint32_t mode) noexcept;
const char *name_of_reason(std::uint32_t stand_aside_reason) noexcept;
bool calls_counted(const process_counters &totals) noexcept;
bool nothing_gained(const process_counters &totals) noexcept;

// `sites` are those to show, in their order.
struct report_content {
    const configuration &options;
    const process_counters &totals;
    std::span<const site_line *const> sites;
    sampling of_sites;
    std::span<const hook_line> hooked;
};
void add_report_as_text(plain_text &text, const report_content &content) noexcept;
void add_report_as_json(plain_text &text, const report_content &content) noexcept;

// `text` as a JSON string with its quotes, cut at `most` bytes; bytes that are no UTF-8 become
// U+FFFD.
void add_json_string(plain_text &text, const char *string, std::size_t most) noexcept;

} // namespace scratch::shim
