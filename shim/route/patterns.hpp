// Patterns in names, as shells have them: * any characters, ? any one, [a-z] or [!a-z] one of a
// set, \ before a character for itself. Allocates nothing and knows no locale.
#pragma once

namespace scratch::shim {

bool matches(const char *pattern, const char *text) noexcept;

} // namespace scratch::shim
