// The file of reports that was asked for: one JSON object, whole after each report, whatever ends
// the process.
#pragma once

#include <string_view>

namespace scratch::shim::check {

// Creates the file now, so that one without reports says that there are none. `pattern`: %e the
// program, %p the process; kept by the caller.
void open_reports_file(const char *pattern) noexcept;

// Whether reports go there.
bool has_reports_file() noexcept;

// Adds a report; false where it could not be written, which is said once. A forked child makes a
// file of its own with its first one.
bool add_to_reports_file(std::string_view report) noexcept;

} // namespace scratch::shim::check
