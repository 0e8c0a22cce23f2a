// Tells the shim where this object is, which backtraces leave out.

#include <link.h>

#include "shim/check/seam.hpp"

#pragma weak scratch_check_calls_begin_at

extern "C" [[gnu::visibility("hidden")]] const ElfW(Ehdr) __ehdr_start;

namespace {

[[gnu::constructor]] void tell_where_it_begins() {
    if (&scratch_check_calls_begin_at != nullptr) scratch_check_calls_begin_at(&__ehdr_start);
}

} // namespace
