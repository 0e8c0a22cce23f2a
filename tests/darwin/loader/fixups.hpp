// What has to be written into an image before it can run: in the two forms that linkers put it
// down.
#pragma once

#include "image.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace darwin {

/// A word that gets the address of a name, plus something.
struct bind_request {
    std::uintptr_t *word;
    int ordinal; // of the library, from 1; 0 and below have names in format::ordinal
    std::string_view name;
    std::uint64_t addend;
    bool may_be_missing;
};

/// Writes what depends on the image's own place, once in its life, and tells what depends on
/// others.
std::vector<bind_request> apply_rebases(const image &image);

// The two forms: LC_DYLD_INFO's opcodes, and chains through the segments.
std::vector<bind_request> apply_opcodes(const image &image);
std::vector<bind_request> apply_chains(const image &image);

} // namespace darwin
