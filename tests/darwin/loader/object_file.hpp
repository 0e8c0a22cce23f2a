// A Mach-O file as it lies on the disk: read once, every offset and size checked, nothing mapped
// yet.
#pragma once

#include "bytes.hpp"
#include "format.hpp"

#include <optional>
#include <string>
#include <vector>

namespace darwin {

struct segment_part {
    std::string name;
    std::uint64_t address;
    std::uint64_t address_size;
    byte_view contents; // as long as the segment at most; zeroes follow
    int protection;     // PROT_ bits, which are the same on both systems
    bool read_only_after_fixups;
    bool is_mapped; // not __PAGEZERO
};

struct section_part {
    std::string name;
    std::string segment_name;
    std::size_t segment;
    std::uint64_t address;
    std::uint64_t size;
    std::uint32_t type;
};

struct dylib_reference {
    std::string name;
    bool may_be_missing;
};

class object_file {
public:
    /// Refuses what dyld would, and what this loader does not know.
    explicit object_file(std::string path);
    object_file(std::string path, std::vector<std::byte> bytes);
    // Its parts are views of its bytes.
    object_file(const object_file &) = delete;
    object_file &operator=(const object_file &) = delete;

    std::string path;
    std::string own_name;
    std::uint32_t type = 0;
    std::vector<segment_part> segments;
    std::vector<section_part> sections;
    std::vector<dylib_reference> dylibs; // the ordinals of binds count them from 1
    std::vector<std::string> rpaths;
    std::optional<std::uint64_t> entry_offset;
    byte_view rebases, binds, weak_binds, lazy_binds, exports, chained_fixups;
    byte_view symbols, strings;

    // The addresses that the file asks for, __PAGEZERO not counted.
    std::uint64_t first_address = 0;
    std::uint64_t end_address = 0;

private:
    void choose_slice();
    void read_commands();
    void read_command(std::uint32_t command, byte_view bytes);
    void add_segment(byte_view command);
    void add_sections(byte_view command, std::size_t count);
    void add_symbols(byte_view command);
    void add_dyld_info(byte_view command);
    byte_view linkedit(byte_view command, const char *what) const;
    void check_layout();

    std::vector<std::byte> bytes_;
    byte_view all_;
};

} // namespace darwin
