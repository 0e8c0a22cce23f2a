// A Mach-O file in memory.
#pragma once

#include "object_file.hpp"

#include <memory>
#include <string>
#include <vector>

namespace darwin {

class image {
public:
    /// Reserves the file's range of addresses wherever there is room and copies its segments there,
    /// writable all of them until `protect`.
    explicit image(std::unique_ptr<const object_file> file);
    ~image();
    image(const image &) = delete;
    image &operator=(const image &) = delete;

    const object_file &file() const { return *file_; }
    const format::header *header() const { return reinterpret_cast<const format::header *>(base_); }
    /// What is added to an address of the file to find it in memory.
    std::uintptr_t slide() const {
        return reinterpret_cast<std::uintptr_t>(base_) - file_->first_address;
    }
    bool contains(std::uintptr_t address) const;

    /// Where the word at this place of a segment is in memory; refuses places outside of it, and
    /// segments that may not be written.
    std::uintptr_t *word_in(std::size_t segment, std::uint64_t offset) const;
    /// The memory of an address of the file and `size` bytes behind; refuses what no segment holds.
    std::byte *memory(std::uint64_t address, std::uint64_t size, const char *what) const;
    std::byte *memory(const section_part &section) const;
    const section_part *section_named(std::string_view segment, std::string_view name) const;

    /// Gives every segment the protection that its file asks for.
    void protect() const;

    /// How it is named to the program.
    std::string path;
    std::vector<image *> dylibs; // by ordinal - 1; null is the system's or missing
    std::vector<bool> dylib_is_system;
    bool is_initialised = false;
    std::size_t thread_local_key = 0; // 0: it has no thread-local variables

private:
    std::unique_ptr<const object_file> file_;
    std::byte *base_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace darwin
