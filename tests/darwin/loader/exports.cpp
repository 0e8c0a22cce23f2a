#include "exports.hpp"

#include "format.hpp"

namespace darwin {
namespace {

constexpr const char *what = "the trie of exports";

export_entry read_entry(cursor at) {
    const std::uint64_t flags = at.uleb();
    if ((flags & (format::export_flag::reexport | format::export_flag::stub_and_resolver)) != 0)
        throw refusal("it exports a name in a way that this loader does not know");
    export_entry entry;
    entry.offset = at.uleb();
    entry.is_absolute = (flags & format::export_flag::kind_mask) == format::export_flag::absolute;
    entry.is_weak = (flags & format::export_flag::weak_definition) != 0;
    return entry;
}

} // namespace

std::optional<export_entry> find_export(byte_view trie, std::string_view name) {
    if (trie.empty()) return std::nullopt;
    std::uint64_t node = 0;
    for (;;) {
        cursor at(trie, what, node);
        const std::uint64_t size = at.uleb();
        if (name.empty()) {
            if (size == 0) return std::nullopt;
            return read_entry(at);
        }
        at.skip(size);
        bool found = false;
        for (unsigned children = at.byte(); children > 0 && !found; --children) {
            const std::string_view edge = at.string();
            const std::uint64_t child = at.uleb();
            if (edge.empty() || !name.starts_with(edge)) continue;
            // The name gets shorter with every step, so a trie that turns in a circle ends too.
            name.remove_prefix(edge.size());
            node = child;
            found = true;
        }
        if (!found) return std::nullopt;
    }
}

} // namespace darwin
