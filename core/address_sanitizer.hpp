// The functions of AddressSanitizer's runtime, where the program was built with it. One file per
// object format, since formats differ in how a name may be missing.
#pragma once

#include <cstddef>

namespace scratch::checks {

using range_function = void (*)(const volatile void *start, std::size_t size);

/// Both are there, or both are null.
struct address_sanitizer {
    range_function poison;
    range_function unpoison;
};

/// What this process has. Allocates nothing.
address_sanitizer find_address_sanitizer() noexcept;

} // namespace scratch::checks
