// The two forms of what mode check reports, made in memory.
//
// As JSON each report is an object; its keys are a promise, new ones may come behind them:
//
//     kind            as in the first line of the text
//     pid, thread     the kernel's numbers
//     action          what was done to the block, "write" and the like
//     address         "0x..." of that, or null
//     block           null, or address, size, offset (of the address in it), maker ("malloc", ...),
//                     thread (that allocated it)
//     scope           the name of the scope that ended, or null
//     blocks, bytes   of a summary (escape, leak)
//     backtraces      objects: title, frames; of each frame function, file, line (null where not
//                     known), module, offset
#pragma once

#include <cstdint>
#include <span>

#include "shim/check/names.hpp"
#include "shim/check/report.hpp"
#include "shim/check/traces.hpp"

namespace scratch::shim {
class plain_text;
}

namespace scratch::shim::check {

struct titled_trace {
    const char *title = nullptr;
    std::span<place_name> places;
};

struct report_content {
    const finding *found = nullptr;
    std::uint32_t process = 0;
    std::uint32_t thread = 0;
    const char *scope = nullptr;
    std::uint32_t trace_count = 0;
    titled_trace traces[4];
    std::uint32_t place_count = 0;
    place_name places[4 * deepest_trace];
};

void add_as_text(plain_text &text, const report_content &content) noexcept;
void add_as_json(plain_text &text, const report_content &content) noexcept;

} // namespace scratch::shim::check
