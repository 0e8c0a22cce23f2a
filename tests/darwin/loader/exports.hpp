// What an image exports: the trie of names.
#pragma once

#include "bytes.hpp"

#include <optional>

namespace darwin {

struct export_entry {
    std::uint64_t offset = 0; // from the header; an address where it is absolute
    bool is_absolute = false;
    bool is_weak = false;
};

/// Refuses damaged tries, names passed on from other libraries, and those with a resolver.
std::optional<export_entry> find_export(byte_view trie, std::string_view name);

} // namespace darwin
