// The parts of the Mach-O file format that 64-bit x86 executables and dynamic libraries use. The
// names are those of Apple's headers without their prefixes.
#pragma once

#include <cstdint>

namespace darwin::format {

constexpr std::uint32_t magic_64 = 0xfeedfacf;
constexpr std::uint32_t magic_fat = 0xbebafeca; // as it is read here: fat headers are big-endian
constexpr std::uint32_t cpu_x86_64 = 0x01000007;

struct header {
    std::uint32_t magic;
    std::uint32_t cpu_type;
    std::uint32_t cpu_subtype;
    std::uint32_t file_type;
    std::uint32_t command_count;
    std::uint32_t command_bytes;
    std::uint32_t flags;
    std::uint32_t reserved;
};
static_assert(sizeof(header) == 32);

namespace file_type {
constexpr std::uint32_t execute = 2;
constexpr std::uint32_t dylib = 6;
constexpr std::uint32_t bundle = 8;
} // namespace file_type

namespace header_flag {
constexpr std::uint32_t position_independent = 0x200000;
} // namespace header_flag

// In big-endian order.
struct fat_header {
    std::uint32_t magic;
    std::uint32_t count;
};

struct fat_slice {
    std::uint32_t cpu_type;
    std::uint32_t cpu_subtype;
    std::uint32_t offset;
    std::uint32_t size;
    std::uint32_t alignment;
};

struct load_command {
    std::uint32_t command;
    std::uint32_t size;
};

namespace command {
constexpr std::uint32_t required =
    0x80000000; // dyld refuses a file with such a one that it does not know
constexpr std::uint32_t symbols = 0x2;
constexpr std::uint32_t thread = 0x4;
constexpr std::uint32_t unix_thread = 0x5;
constexpr std::uint32_t dynamic_symbols = 0xb;
constexpr std::uint32_t load_dylib = 0xc;
constexpr std::uint32_t own_name = 0xd;
constexpr std::uint32_t load_weak_dylib = 0x18 | required;
constexpr std::uint32_t segment = 0x19;
constexpr std::uint32_t rpath = 0x1c | required;
constexpr std::uint32_t reexport_dylib = 0x1f | required;
constexpr std::uint32_t dyld_info = 0x22;
constexpr std::uint32_t dyld_info_only = 0x22 | required;
constexpr std::uint32_t load_upward_dylib = 0x23 | required;
constexpr std::uint32_t main = 0x28 | required;
constexpr std::uint32_t exports_trie = 0x33 | required;
constexpr std::uint32_t chained_fixups = 0x34 | required;
} // namespace command

struct segment_command {
    std::uint32_t command;
    std::uint32_t size;
    char name[16];
    std::uint64_t address;
    std::uint64_t address_size;
    std::uint64_t file_offset;
    std::uint64_t file_size;
    std::int32_t protection_maximum;
    std::int32_t protection;
    std::uint32_t section_count;
    std::uint32_t flags;
};
static_assert(sizeof(segment_command) == 72);

constexpr std::uint32_t segment_read_only_after_fixups = 0x10;

struct section {
    char name[16];
    char segment_name[16];
    std::uint64_t address;
    std::uint64_t size;
    std::uint32_t file_offset;
    std::uint32_t alignment;
    std::uint32_t relocations_offset;
    std::uint32_t relocation_count;
    std::uint32_t flags;
    std::uint32_t reserved_1;
    std::uint32_t reserved_2;
    std::uint32_t reserved_3;
};
static_assert(sizeof(section) == 80);

namespace section_type {
constexpr std::uint32_t mask = 0xff;
constexpr std::uint32_t zero_filled = 0x1;
constexpr std::uint32_t initialiser_pointers = 0x9;
constexpr std::uint32_t terminator_pointers = 0xa;
constexpr std::uint32_t zero_filled_large = 0xc;
constexpr std::uint32_t interposing = 0xd;
constexpr std::uint32_t thread_local_regular = 0x11;
constexpr std::uint32_t thread_local_zero_filled = 0x12;
constexpr std::uint32_t thread_local_variables = 0x13;
constexpr std::uint32_t initialiser_offsets = 0x16;
} // namespace section_type

struct dylib_command {
    std::uint32_t command;
    std::uint32_t size;
    std::uint32_t name_offset;
    std::uint32_t time_stamp;
    std::uint32_t current_version;
    std::uint32_t compatibility_version;
};

struct rpath_command {
    std::uint32_t command;
    std::uint32_t size;
    std::uint32_t path_offset;
};

struct symbols_command {
    std::uint32_t command;
    std::uint32_t size;
    std::uint32_t symbols_offset;
    std::uint32_t symbol_count;
    std::uint32_t strings_offset;
    std::uint32_t strings_size;
};

struct symbol {
    std::uint32_t name_offset;
    std::uint8_t type;
    std::uint8_t section;
    std::uint16_t description;
    std::uint64_t value;
};
static_assert(sizeof(symbol) == 16);

constexpr std::uint8_t symbol_type_mask = 0xee; // and no debugger's
constexpr std::uint8_t symbol_in_section = 0x0e;

struct dyld_info_command {
    std::uint32_t command;
    std::uint32_t size;
    std::uint32_t rebase_offset;
    std::uint32_t rebase_size;
    std::uint32_t bind_offset;
    std::uint32_t bind_size;
    std::uint32_t weak_bind_offset;
    std::uint32_t weak_bind_size;
    std::uint32_t lazy_bind_offset;
    std::uint32_t lazy_bind_size;
    std::uint32_t export_offset;
    std::uint32_t export_size;
};
static_assert(sizeof(dyld_info_command) == 48);

struct linkedit_command {
    std::uint32_t command;
    std::uint32_t size;
    std::uint32_t data_offset;
    std::uint32_t data_size;
};

struct main_command {
    std::uint32_t command;
    std::uint32_t size;
    std::uint64_t entry_offset;
    std::uint64_t stack_size;
};

namespace rebase_opcode {
constexpr std::uint8_t done = 0x00;
constexpr std::uint8_t set_type = 0x10;
constexpr std::uint8_t set_segment_and_offset = 0x20;
constexpr std::uint8_t add_address = 0x30;
constexpr std::uint8_t add_address_scaled = 0x40;
constexpr std::uint8_t rebase_times = 0x50;
constexpr std::uint8_t rebase_many_times = 0x60;
constexpr std::uint8_t rebase_add_address = 0x70;
constexpr std::uint8_t rebase_many_times_skipping = 0x80;
} // namespace rebase_opcode

namespace bind_opcode {
constexpr std::uint8_t done = 0x00;
constexpr std::uint8_t set_ordinal = 0x10;
constexpr std::uint8_t set_ordinal_uleb = 0x20;
constexpr std::uint8_t set_ordinal_special = 0x30;
constexpr std::uint8_t set_symbol = 0x40;
constexpr std::uint8_t set_type = 0x50;
constexpr std::uint8_t set_addend = 0x60;
constexpr std::uint8_t set_segment_and_offset = 0x70;
constexpr std::uint8_t add_address = 0x80;
constexpr std::uint8_t bind = 0x90;
constexpr std::uint8_t bind_add_address = 0xa0;
constexpr std::uint8_t bind_add_address_scaled = 0xb0;
constexpr std::uint8_t bind_many_times_skipping = 0xc0;
} // namespace bind_opcode

constexpr std::uint8_t opcode_mask = 0xf0;
constexpr std::uint8_t immediate_mask = 0x0f;
constexpr std::uint8_t type_pointer = 1;

constexpr std::uint8_t symbol_is_weak_import = 0x1;
constexpr std::uint8_t symbol_is_strong_definition = 0x8; // in weak binds: nothing to write

namespace ordinal {
constexpr int self = 0;
constexpr int main_executable = -1;
constexpr int flat_lookup = -2;
constexpr int weak_lookup = -3;
} // namespace ordinal

namespace export_flag {
constexpr std::uint64_t kind_mask = 0x3;
constexpr std::uint64_t regular = 0x0;
constexpr std::uint64_t thread_local_variable = 0x1;
constexpr std::uint64_t absolute = 0x2;
constexpr std::uint64_t weak_definition = 0x4;
constexpr std::uint64_t reexport = 0x8;
constexpr std::uint64_t stub_and_resolver = 0x10;
} // namespace export_flag

struct chained_fixups_header {
    std::uint32_t version;
    std::uint32_t starts_offset;
    std::uint32_t imports_offset;
    std::uint32_t symbols_offset;
    std::uint32_t import_count;
    std::uint32_t imports_format;
    std::uint32_t symbols_format;
};

// What stands for each segment, by its offsets: a structure of C++ would be padded.
namespace chained_start {
constexpr std::uint64_t page_size = 4;
constexpr std::uint64_t pointer_format = 6;
constexpr std::uint64_t page_count = 20;
constexpr std::uint64_t first_page = 22;
} // namespace chained_start

constexpr std::uint16_t chained_page_is_empty = 0xffff;
constexpr std::uint16_t chained_pointer_64 = 2;        // targets are addresses
constexpr std::uint16_t chained_pointer_64_offset = 6; // targets are offsets from the header
constexpr std::uint32_t chained_import = 1;
constexpr std::uint32_t chained_import_with_addend = 2;
constexpr std::uint32_t chained_import_with_addend_64 = 3;

} // namespace darwin::format
