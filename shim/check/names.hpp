// What code addresses are called: module, function, source line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace scratch::shim::check {

struct place_name {
    std::uintptr_t address = 0;   // as in a backtrace: behind the call
    const char *module = nullptr; // path, the loader's text; null where it is not known
    std::uintptr_t offset = 0;    // from where the module is loaded, of the call itself
    char function[192] = {};      // empty where it is not known
    char file[192] = {};          // empty where there is no debug information
    std::uint32_t line = 0;
    bool known = false; // nothing more is to be found out
};

// As much of a text as there is room for.
inline void copy_text(std::span<char> into, std::string_view text) noexcept {
    const std::size_t size = std::min(text.size(), into.size() - 1);
    std::memcpy(into.data(), text.data(), size);
    into[size] = 0;
}

// Names the addresses that the places hold. One caller at a time. Asks the loader, the symbol
// tables of the modules' files, and, where they have debug information and `lines` says so,
// addr2line in a child process that neither the program's waits nor its handlers see.
void find_names(std::span<place_name> places, bool lines) noexcept;

} // namespace scratch::shim::check
