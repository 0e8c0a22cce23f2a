#include "images.hpp"

#include "exports.hpp"

#include <algorithm>
#include <atomic>

namespace darwin {
namespace {

constexpr std::size_t most_images = 256;

// Read without a lock: an image is complete before it is counted. Nothing here is ever destroyed,
// as the program's functions run until the very end of the process.
std::atomic<image *> list[most_images];
std::atomic<std::size_t> count{0};
image *main_image = nullptr;
std::vector<image *> &system_images = *new std::vector<image *>;
process::system_lookup built_in = nullptr;

} // namespace

namespace images {

void publish(image *added) {
    const std::size_t index = count.load(std::memory_order_relaxed);
    if (index == most_images) throw refusal("there are too many images");
    list[index].store(added, std::memory_order_relaxed);
    count.store(index + 1, std::memory_order_release);
}

void publish_of_system(image *added) { system_images.push_back(added); }
void set_program(image *program) { main_image = program; }
void set_system(process::system_lookup lookup) { built_in = lookup; }
const std::vector<image *> &of_system() { return system_images; }

} // namespace images

namespace process {

std::size_t image_count() { return count.load(std::memory_order_acquire); }

image *image_at(std::size_t index) {
    return index < image_count() ? list[index].load(std::memory_order_relaxed) : nullptr;
}

image *program() { return main_image; }

image *image_containing(const void *address) {
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    for (std::size_t index = 0; index < image_count(); ++index)
        if (image_at(index)->contains(number)) return image_at(index);
    for (image *const at : system_images)
        if (at->contains(number)) return at;
    return nullptr;
}

std::size_t index_of(const image *wanted) {
    std::size_t index = 0;
    while (index < image_count() && image_at(index) != wanted)
        ++index;
    return index;
}

std::uintptr_t exported(const image &image, std::string_view name) {
    const std::optional<export_entry> entry = find_export(image.file().exports, name);
    if (!entry) return 0;
    return entry->offset +
           (entry->is_absolute ? 0 : reinterpret_cast<std::uintptr_t>(image.header()));
}

std::uintptr_t find_in_system(std::string_view name) {
    for (const image *const at : system_images)
        if (const std::uintptr_t found = exported(*at, name)) return found;
    return built_in == nullptr ? 0 : reinterpret_cast<std::uintptr_t>(built_in(name));
}

std::uintptr_t find(std::string_view name, std::size_t first_index) {
    for (std::size_t index = first_index; index < image_count(); ++index)
        if (const std::uintptr_t found = exported(*image_at(index), name)) return found;
    return find_in_system(name);
}

std::uintptr_t find_coalesced(std::string_view name) {
    std::uintptr_t weak = 0;
    for (std::size_t index = 0; index < image_count(); ++index) {
        const std::optional<export_entry> entry =
            find_export(image_at(index)->file().exports, name);
        if (!entry) continue;
        const std::uintptr_t address = exported(*image_at(index), name);
        if (!entry->is_weak) return address;
        if (weak == 0) weak = address;
    }
    return weak;
}

nearest_symbol symbol_before(const image &image, std::uintptr_t address) {
    nearest_symbol nearest;
    const byte_view table = image.file().symbols;
    for (std::uint64_t at = 0; at + sizeof(format::symbol) <= table.size();
         at += sizeof(format::symbol)) {
        const auto symbol = read_at<format::symbol>(table, at, "a symbol");
        if ((symbol.type & format::symbol_type_mask) != format::symbol_in_section) continue;
        const std::uintptr_t place = symbol.value + image.slide();
        if (place > address || place <= nearest.address) continue;
        if (symbol.name_offset >= image.file().strings.size()) continue;
        const std::string_view name =
            string_at(image.file().strings, symbol.name_offset, "a symbol's name");
        nearest = {name.starts_with('_') ? name.substr(1) : name, place};
    }
    return nearest;
}

} // namespace process
} // namespace darwin
