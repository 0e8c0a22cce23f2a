#include "object_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sys/mman.h>

namespace darwin {
namespace {

constexpr std::uint64_t page_size = 4096;
constexpr std::uint64_t most_of_addresses = std::uint64_t{1} << 40;

std::vector<std::byte> contents_of(const std::string &path) {
    // A folder can be opened too, and says that it is endless.
    std::error_code unknown;
    if (std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown))
        throw refusal("it is no file");
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) throw refusal("it cannot be opened");
    const std::streamoff size = file.tellg();
    if (size < 0) throw refusal("it cannot be read");
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    file.seekg(0);
    file.read(reinterpret_cast<char *>(bytes.data()), size);
    if (!file) throw refusal("it cannot be read");
    return bytes;
}

std::uint32_t from_big_endian(std::uint32_t number) { return __builtin_bswap32(number); }

} // namespace

object_file::object_file(std::string from) : object_file(from, contents_of(from)) {}

object_file::object_file(std::string from, std::vector<std::byte> bytes)
    : path(std::move(from)), bytes_(std::move(bytes)), all_(bytes_) {
    choose_slice();
    read_commands();
    check_layout();
}

void object_file::choose_slice() {
    if (read_at<std::uint32_t>(all_, 0, "the header") != format::magic_fat) return;
    const auto fat = read_at<format::fat_header>(all_, 0, "the header of the universal file");
    for (std::uint64_t index = 0; index < from_big_endian(fat.count); ++index) {
        const auto slice = read_at<format::fat_slice>(
            all_, sizeof fat + index * sizeof(format::fat_slice), "the list of architectures");
        if (from_big_endian(slice.cpu_type) != format::cpu_x86_64) continue;
        all_ = part_of(all_, from_big_endian(slice.offset), from_big_endian(slice.size),
                       "the x86_64 part");
        return;
    }
    throw refusal("the universal file has no part for x86_64");
}

void object_file::read_commands() {
    const auto header = read_at<format::header>(all_, 0, "the header");
    if (header.magic != format::magic_64) throw refusal("it is no 64-bit Mach-O file");
    if (header.cpu_type != format::cpu_x86_64)
        throw refusal("it is made for another machine than x86_64");
    type = header.file_type;
    if (type != format::file_type::execute && type != format::file_type::dylib &&
        type != format::file_type::bundle)
        throw refusal("it is neither an executable nor a dynamic library");
    if (type == format::file_type::execute &&
        (header.flags & format::header_flag::position_independent) == 0)
        throw refusal("it is an executable for a fixed address, where this loader puts none");

    const byte_view commands =
        part_of(all_, sizeof header, header.command_bytes, "the load commands");
    std::uint64_t at = 0;
    for (std::uint32_t index = 0; index < header.command_count; ++index) {
        const auto command = read_at<format::load_command>(commands, at, "a load command");
        if (command.size < sizeof command || command.size % 8 != 0)
            throw refusal("a load command has an impossible size");
        read_command(command.command, part_of(commands, at, command.size, "a load command"));
        at += command.size;
    }
}

void object_file::read_command(std::uint32_t command, byte_view bytes) {
    switch (command) {
    case format::command::segment:
        return add_segment(bytes);
    case format::command::symbols:
        return add_symbols(bytes);
    case format::command::dyld_info:
    case format::command::dyld_info_only:
        return add_dyld_info(bytes);
    case format::command::exports_trie:
        exports = linkedit(bytes, "the exports");
        return;
    case format::command::chained_fixups:
        chained_fixups = linkedit(bytes, "the fixups");
        return;
    case format::command::load_dylib:
    case format::command::load_upward_dylib:
    case format::command::load_weak_dylib:
    case format::command::own_name: {
        const auto dylib = read_at<format::dylib_command>(bytes, 0, "the command of a library");
        const std::string name(string_at(bytes, dylib.name_offset, "the name of a library"));
        if (command == format::command::own_name)
            own_name = name;
        else
            dylibs.push_back({name, command == format::command::load_weak_dylib});
        return;
    }
    case format::command::rpath: {
        const auto rpath = read_at<format::rpath_command>(bytes, 0, "the command of an rpath");
        rpaths.emplace_back(string_at(bytes, rpath.path_offset, "an rpath"));
        return;
    }
    case format::command::main:
        entry_offset =
            read_at<format::main_command>(bytes, 0, "the command of the entry").entry_offset;
        return;
    case format::command::reexport_dylib:
        throw refusal("it passes on another library's names, which this loader does not do");
    case format::command::thread:
    case format::command::unix_thread:
        throw refusal("it starts without LC_MAIN, as programs before macOS 10.8 did");
    default:
        if ((command & format::command::required) != 0)
            throw refusal("it needs the load command " + hexadecimal(command) +
                          ", which this loader does not know");
    }
}

void object_file::add_segment(byte_view bytes) {
    const auto command = read_at<format::segment_command>(bytes, 0, "a segment command");
    segment_part segment{};
    segment.name = name_in(command.name);
    segment.address = command.address;
    segment.address_size = command.address_size;
    segment.protection = command.protection & (PROT_READ | PROT_WRITE | PROT_EXEC);
    segment.read_only_after_fixups = (command.flags & format::segment_read_only_after_fixups) != 0;
    segment.is_mapped = segment.protection != PROT_NONE;
    segment.contents = part_of(all_, command.file_offset, command.file_size, "a segment");
    if (command.file_size > command.address_size)
        throw refusal("a segment holds more than it has room for");
    if (command.address % page_size != 0) throw refusal("a segment does not begin at a page");
    sum_of(command.address, command.address_size, "a segment");
    segments.push_back(segment);
    add_sections(bytes, command.section_count);
}

void object_file::add_sections(byte_view bytes, std::size_t count) {
    const segment_part &segment = segments.back();
    for (std::uint64_t index = 0; index < count; ++index) {
        const auto section = read_at<format::section>(
            bytes, sizeof(format::segment_command) + index * sizeof(format::section), "a section");
        const std::uint64_t end = sum_of(section.address, section.size, "a section");
        if (section.address < segment.address || end > segment.address + segment.address_size)
            throw refusal("a section lies outside of its segment");
        sections.push_back({std::string(name_in(section.name)),
                            std::string(name_in(section.segment_name)), segments.size() - 1,
                            section.address, section.size,
                            section.flags & format::section_type::mask});
    }
}

void object_file::add_symbols(byte_view bytes) {
    const auto command = read_at<format::symbols_command>(bytes, 0, "the command of the symbols");
    symbols = part_of(all_, command.symbols_offset,
                      std::uint64_t{command.symbol_count} * sizeof(format::symbol),
                      "the table of symbols");
    strings =
        part_of(all_, command.strings_offset, command.strings_size, "the names of the symbols");
}

void object_file::add_dyld_info(byte_view bytes) {
    const auto info = read_at<format::dyld_info_command>(bytes, 0, "the command of the binds");
    rebases = part_of(all_, info.rebase_offset, info.rebase_size, "the list of rebases");
    binds = part_of(all_, info.bind_offset, info.bind_size, "the list of binds");
    weak_binds =
        part_of(all_, info.weak_bind_offset, info.weak_bind_size, "the list of weak binds");
    lazy_binds =
        part_of(all_, info.lazy_bind_offset, info.lazy_bind_size, "the list of lazy binds");
    exports = part_of(all_, info.export_offset, info.export_size, "the exports");
}

byte_view object_file::linkedit(byte_view bytes, const char *what) const {
    const auto command = read_at<format::linkedit_command>(bytes, 0, what);
    return part_of(all_, command.data_offset, command.data_size, what);
}

void object_file::check_layout() {
    std::vector<const segment_part *> mapped;
    for (const segment_part &segment : segments)
        if (segment.is_mapped) mapped.push_back(&segment);
    std::sort(mapped.begin(), mapped.end(), [](const segment_part *one, const segment_part *other) {
        return one->address < other->address;
    });
    if (mapped.empty()) throw refusal("it has no segment to map");
    for (std::size_t index = 1; index < mapped.size(); ++index)
        if (mapped[index - 1]->address + mapped[index - 1]->address_size > mapped[index]->address)
            throw refusal("two segments overlap");
    first_address = mapped.front()->address;
    end_address = mapped.back()->address + mapped.back()->address_size;
    if (end_address - first_address > most_of_addresses)
        throw refusal("it asks for more than a terabyte of addresses");
    // Code finds its header there, and so does everything that counts offsets from it.
    if (mapped.front()->contents.data() != all_.data() ||
        mapped.front()->contents.size() < sizeof(format::header))
        throw refusal("its first segment does not begin with the header");
    if (type == format::file_type::execute) {
        if (!entry_offset) throw refusal("it has no entry");
        if (*entry_offset >= mapped.front()->contents.size())
            throw refusal("its entry lies outside of its first segment");
        if ((mapped.front()->protection & PROT_EXEC) == 0)
            throw refusal("its entry cannot be executed");
    }
    if (!chained_fixups.empty() && !(rebases.empty() && binds.empty()))
        throw refusal("it has fixups of both kinds");
}

} // namespace darwin
