#include "image.hpp"

#include <cstring>
#include <sys/mman.h>

namespace darwin {
namespace {

constexpr std::uint64_t page_size = 4096;

std::uint64_t whole_pages(std::uint64_t size) { return (size + page_size - 1) & ~(page_size - 1); }

} // namespace

image::image(std::unique_ptr<const object_file> from) : path(from->path), file_(std::move(from)) {
    size_ = whole_pages(file_->end_address - file_->first_address);
    void *const reserved =
        mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) throw refusal("there is no room for its addresses");
    base_ = static_cast<std::byte *>(reserved);
    for (const segment_part &segment : file_->segments) {
        if (!segment.is_mapped || segment.address_size == 0) continue;
        std::byte *const to = base_ + (segment.address - file_->first_address);
        if (mprotect(to, whole_pages(segment.address_size), PROT_READ | PROT_WRITE) != 0) {
            munmap(base_, size_);
            throw refusal("there is no memory for its segments");
        }
        // Copied, not mapped: a file that another shortens meanwhile does no harm.
        if (!segment.contents.empty())
            std::memcpy(to, segment.contents.data(), segment.contents.size());
    }
}

image::~image() { munmap(base_, size_); }

bool image::contains(std::uintptr_t address) const {
    return address - reinterpret_cast<std::uintptr_t>(base_) < size_;
}

std::uintptr_t *image::word_in(std::size_t index, std::uint64_t offset) const {
    if (index >= file_->segments.size())
        throw refusal("a fixup lies in a segment that there is not");
    const segment_part &segment = file_->segments[index];
    if (!segment.is_mapped || (segment.protection & PROT_WRITE) == 0)
        throw refusal("a fixup lies in a segment that may not be written");
    if (offset > segment.address_size || segment.address_size - offset < sizeof(std::uintptr_t))
        throw refusal("a fixup lies outside of its segment");
    return reinterpret_cast<std::uintptr_t *>(base_ + (segment.address - file_->first_address) +
                                              offset);
}

std::byte *image::memory(std::uint64_t address, std::uint64_t size, const char *what) const {
    for (const segment_part &segment : file_->segments) {
        if (!segment.is_mapped || address < segment.address) continue;
        const std::uint64_t offset = address - segment.address;
        if (offset > segment.address_size || size > segment.address_size - offset) continue;
        return base_ + (address - file_->first_address);
    }
    throw refusal(std::string(what) + " lies in no segment");
}

std::byte *image::memory(const section_part &section) const {
    return memory(section.address, section.size, section.name.c_str());
}

const section_part *image::section_named(std::string_view segment, std::string_view name) const {
    for (const section_part &section : file_->sections)
        if (section.segment_name == segment && section.name == name) return &section;
    return nullptr;
}

void image::protect() const {
    for (const segment_part &segment : file_->segments) {
        if (!segment.is_mapped || segment.address_size == 0) continue;
        const int protection =
            segment.read_only_after_fixups ? segment.protection & ~PROT_WRITE : segment.protection;
        if (mprotect(base_ + (segment.address - file_->first_address),
                     whole_pages(segment.address_size), protection) != 0)
            throw refusal("the system refuses the protection of segment " + segment.name);
    }
}

} // namespace darwin
