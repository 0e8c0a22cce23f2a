// The tables of this libSystem: one for each family of functions, in a file of its own.
#pragma once

#include <span>
#include <string_view>

namespace darwin::system {

struct entry {
    std::string_view name; // as C spells it
    void *address;
};

template <typename Result, typename... Arguments>
entry function(std::string_view name, Result (*address)(Arguments...)) {
    return {name, reinterpret_cast<void *>(address)};
}

template <typename Result, typename... Arguments>
entry function(std::string_view name, Result (*address)(Arguments..., ...)) {
    return {name, reinterpret_cast<void *>(address)};
}

template <typename Variable>
entry variable(std::string_view name, Variable &address) {
    return {name, const_cast<void *>(static_cast<const void *>(&address))};
}

std::span<const entry> allocation_names();
std::span<const entry> character_names();
std::span<const entry> clock_names();
std::span<const entry> error_names();
std::span<const entry> file_names();
std::span<const entry> image_names();
std::span<const entry> jump_names();
std::span<const entry> locale_names();
std::span<const entry> lock_names();
std::span<const entry> mach_names();
std::span<const entry> memory_names();
std::span<const entry> operator_names();
std::span<const entry> pattern_names();
std::span<const entry> process_names();
std::span<const entry> signal_names();
std::span<const entry> stream_names();
std::span<const entry> string_names();
std::span<const entry> thread_names();
/// Since macOS 14.
std::span<const entry> typed_allocation_names();

/// The address for a symbol of a Mach-O file; null where this libSystem has none.
void *lookup(std::string_view symbol);

} // namespace darwin::system
