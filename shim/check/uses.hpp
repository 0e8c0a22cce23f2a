// A use of an address whose page is closed: what it was, and the way on.
#pragma once

#include <cstdint>

#include "shim/check/report.hpp"

namespace scratch::shim::check {

struct use {
    std::uintptr_t address;
    const char *what; // "read", "write", or the function that handed it to the system
    bool by_system;
    const backtrace *place;
};

// Whether the address is known to be closed by us. Touches nothing; for handlers, before all else.
bool is_closed(std::uintptr_t address) noexcept;

// Tells it and opens the page. False where nothing is known of it: not ours. Under the inside word.
bool tell_use(const use &of) noexcept;

} // namespace scratch::shim::check
