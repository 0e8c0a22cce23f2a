// What mode check found, told on standard error or into the file that was asked for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/check/records.hpp"
#include "shim/check/traces.hpp"

namespace scratch::shim::check {

enum class defect : std::uint8_t {
    use_after_scope,
    use_after_free,
    double_free,
    overflow,
    invalid_free,
    mismatched_free,
    efault,
    escape,
    leak,
};

struct finding {
    defect kind;
    const char *what; // done to the block, as "write" or "free by operator delete"
    std::uintptr_t address = 0;
    const record *block = nullptr;    // null where none is near
    const backtrace *place = nullptr; // where it was noticed
    const char *where = "used here";  // what that place is to the defect
    trace_id ended = 0;               // of the block's scope; 0: as its pages say
    std::uint64_t blocks = 0;         // of a summary
    std::uint64_t bytes = 0;
};

// Starts reporting: remembers the file (a pattern, or null) and creates it.
void open_reports(const char *pattern) noexcept;

// Tells a defect once for each place and place of allocation. Under the inside word. Does not
// return where the program is to halt.
void tell(const finding &found) noexcept;

// Whether something was told that is no summary.
bool anything_wrong() noexcept;

// How many were left out because they had been told; once, at the end.
void tell_repetitions() noexcept;

const char *name_of(defect kind) noexcept;
const char *name_of(maker by) noexcept;

} // namespace scratch::shim::check
