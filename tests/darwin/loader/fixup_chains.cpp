#include "fixups.hpp"

namespace darwin {
namespace {

struct chained_name {
    int ordinal;
    bool may_be_missing;
    std::string_view name;
    std::uint64_t addend;
};

constexpr const char *what = "the chained fixups";

/// Bits of a word, as signed where the format has a sign.
constexpr std::uint64_t bits(std::uint64_t word, unsigned first, unsigned count) {
    return (word >> first) & ((std::uint64_t{1} << count) - 1);
}

int ordinal_of(std::uint64_t value, unsigned width) {
    // The last few are the special ones, below zero.
    const std::uint64_t end = std::uint64_t{1} << width;
    return value > end - 16 ? static_cast<int>(static_cast<std::int64_t>(value - end))
                            : static_cast<int>(value);
}

std::vector<chained_name> read_names(byte_view fixups,
                                     const format::chained_fixups_header &header) {
    if (header.symbols_format != 0) throw refusal("the names of its chained fixups are compressed");
    if (header.symbols_offset > fixups.size())
        throw refusal("the names of its fixups lie outside of the file");
    const byte_view symbols = fixups.subspan(header.symbols_offset);
    std::vector<chained_name> names;
    for (std::uint64_t index = 0; index < header.import_count; ++index) {
        std::uint64_t name_offset = 0;
        chained_name name{};
        if (header.imports_format == format::chained_import ||
            header.imports_format == format::chained_import_with_addend) {
            const bool with_addend = header.imports_format == format::chained_import_with_addend;
            const std::uint64_t at = header.imports_offset + index * (with_addend ? 8 : 4);
            const auto word = read_at<std::uint32_t>(fixups, at, what);
            name.ordinal = ordinal_of(bits(word, 0, 8), 8);
            name.may_be_missing = bits(word, 8, 1) != 0;
            name_offset = bits(word, 9, 23);
            if (with_addend)
                name.addend = static_cast<std::uint64_t>(
                    std::int64_t{read_at<std::int32_t>(fixups, at + 4, what)});
        } else if (header.imports_format == format::chained_import_with_addend_64) {
            const std::uint64_t at = header.imports_offset + index * 16;
            const auto word = read_at<std::uint64_t>(fixups, at, what);
            name.ordinal = ordinal_of(bits(word, 0, 16), 16);
            name.may_be_missing = bits(word, 16, 1) != 0;
            name_offset = bits(word, 32, 32);
            name.addend = read_at<std::uint64_t>(fixups, at + 8, what);
        } else {
            throw refusal("its chained fixups name what they import in a form that this loader "
                          "does not know");
        }
        name.name = string_at(symbols, name_offset, "the name of a fixup");
        names.push_back(name);
    }
    return names;
}

class chains {
public:
    chains(const image &image, std::vector<chained_name> names)
        : image_(image), names_(std::move(names)) {}

    void follow(std::size_t segment, std::uint64_t offset, std::uint16_t format) {
        for (;;) {
            std::uintptr_t *const place = image_.word_in(segment, offset);
            const std::uint64_t word = *place;
            const std::uint64_t next = bits(word, 51, 12);
            if (bits(word, 63, 1) != 0)
                bind(place, word);
            else
                rebase(place, word, format);
            if (next == 0) return;
            offset += next * 4;
        }
    }

    std::vector<bind_request> requests;

private:
    void bind(std::uintptr_t *place, std::uint64_t word) {
        const std::uint64_t index = bits(word, 0, 24);
        if (index >= names_.size()) throw refusal("a chained fixup has a name that there is not");
        const chained_name &name = names_[index];
        requests.push_back(
            {place, name.ordinal, name.name, name.addend + bits(word, 24, 8), name.may_be_missing});
    }

    void rebase(std::uintptr_t *place, std::uint64_t word, std::uint16_t format) const {
        const std::uint64_t target = bits(word, 0, 36);
        const std::uint64_t high = bits(word, 36, 8) << 56;
        const std::uint64_t base = format == format::chained_pointer_64
                                       ? image_.slide()
                                       : reinterpret_cast<std::uintptr_t>(image_.header());
        *place = (target + base) | high;
    }

    const image &image_;
    std::vector<chained_name> names_;
};

} // namespace

std::vector<bind_request> apply_chains(const image &image) {
    const byte_view fixups = image.file().chained_fixups;
    const auto header = read_at<format::chained_fixups_header>(fixups, 0, what);
    if (header.version != 0)
        throw refusal("its chained fixups are of a version that this loader does not know");
    chains all(image, read_names(fixups, header));

    const std::uint64_t starts = header.starts_offset;
    const auto segment_count = read_at<std::uint32_t>(fixups, starts, what);
    for (std::uint64_t segment = 0; segment < segment_count; ++segment) {
        const auto offset = read_at<std::uint32_t>(fixups, starts + 4 + segment * 4, what);
        if (offset == 0) continue;
        const std::uint64_t at = starts + offset;
        const auto page_size =
            read_at<std::uint16_t>(fixups, at + format::chained_start::page_size, what);
        const auto format =
            read_at<std::uint16_t>(fixups, at + format::chained_start::pointer_format, what);
        const auto page_count =
            read_at<std::uint16_t>(fixups, at + format::chained_start::page_count, what);
        if (format != format::chained_pointer_64 && format != format::chained_pointer_64_offset)
            throw refusal("its chained fixups are of a form that this loader does not know");
        for (std::uint64_t page = 0; page < page_count; ++page) {
            const auto start = read_at<std::uint16_t>(
                fixups, at + format::chained_start::first_page + page * 2, what);
            if (start == format::chained_page_is_empty) continue;
            all.follow(segment, page * page_size + start, format);
        }
    }
    return std::move(all.requests);
}

} // namespace darwin
