// Which callers' blocks outlive their regions, for the report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace scratch::shim {

struct site_line;

// A block outlived its region. `site` is the low half of its caller's address, 0 where calls are
// not counted: then there is nothing to note. `late`: in a call that noticed the region's end,
// which may be a signal handler's, and the loader must not be asked whose code that is.
void note_escape(std::uint32_t site, std::size_t size, bool late) noexcept;

// Fills the lines with the callers of the most bytes that escaped, most first; returns how many.
// Calls and bytes of a line are those that escaped. For one thread.
std::size_t list_escapes(std::span<site_line> lines) noexcept;

// A forked child counts from here.
void forget_escapes() noexcept;

} // namespace scratch::shim
