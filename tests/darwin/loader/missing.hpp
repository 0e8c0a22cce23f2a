// What a name is bound to that nobody has: a function of its own, which stops the program when it
// is called.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace darwin {

std::uintptr_t function_for_missing(std::string_view name, const std::string &image);

} // namespace darwin
