// What programs ask dyld: names, addresses, images.
#include "names.hpp"

#include "loader/initialisers.hpp"
#include "loader/process.hpp"
#include "loader/thread_locals.hpp"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// Of the linker: where this program's code lies.
extern "C" const char __executable_start;
extern "C" const char etext;

namespace darwin::images_of_program {
namespace {

// Handles that are no images.
constexpr std::intptr_t next_image = -1;
constexpr std::intptr_t by_default = -2;
constexpr std::intptr_t own_image = -3;
constexpr std::intptr_t main_only = -5;

constexpr int no_load = 0x10;

thread_local std::string error_text;
thread_local bool has_error = false;

void *failed(const std::string &text) {
    error_text = text;
    has_error = true;
    return nullptr;
}

std::uintptr_t find_for(void *handle, const std::string &symbol, const image *caller) {
    switch (reinterpret_cast<std::intptr_t>(handle)) {
    case by_default:
        return process::find(symbol);
    case main_only:
        return process::exported(*process::program(), symbol);
    case own_image:
        return caller != nullptr ? process::find(symbol, process::index_of(caller))
                                 : process::find(symbol);
    case next_image:
        return caller != nullptr ? process::find(symbol, process::index_of(caller) + 1)
                                 : process::find_in_system(symbol);
    default:
        break;
    }
    const auto *const wanted = static_cast<const image *>(handle);
    if (const std::uintptr_t found = process::exported(*wanted, symbol)) return found;
    for (const image *const needed : wanted->dylibs)
        if (needed != nullptr)
            if (const std::uintptr_t found = process::exported(*needed, symbol)) return found;
    // dlopen(nullptr) stands for all.
    return wanted == process::program() ? process::find(symbol) : process::find_in_system(symbol);
}

void *find_symbol(void *handle, const char *name) {
    const image *const caller = process::image_containing(__builtin_return_address(0));
    const std::uintptr_t found = find_for(handle, std::string("_") + name, caller);
    if (found == 0) return failed(std::string("symbol not found: ") + name);
    return reinterpret_cast<void *>(process::interposed(found, caller));
}

void *open_image(const char *path, int mode) {
    const image *const caller = process::image_containing(__builtin_return_address(0));
    if (path == nullptr) return process::program();
    try {
        image *const opened = process::open(path, caller, (mode & no_load) != 0);
        return opened != nullptr ? opened : failed(std::string(path) + " is not loaded");
    } catch (const refusal &reason) {
        return failed(reason.what());
    }
}

int close_image(void *) { return 0; }

const char *last_error() {
    if (!has_error) return nullptr;
    has_error = false;
    return error_text.c_str();
}

// What programs are told of this libSystem: an image whose code is that of the loader, so that
// calls from it are seen to come from the system.
struct system_image {
    format::header header;
    format::segment_command code;
};

system_image &told_system() {
    static system_image told = [] {
        system_image made{};
        made.header.magic = format::magic_64;
        made.header.cpu_type = format::cpu_x86_64;
        made.header.file_type = format::file_type::dylib;
        made.header.command_count = 1;
        made.header.command_bytes = sizeof made.code;
        made.code.command = format::command::segment;
        made.code.size = sizeof made.code;
        made.code.address = reinterpret_cast<std::uint64_t>(&__executable_start);
        made.code.address_size = static_cast<std::uint64_t>(&etext - &__executable_start);
        made.code.protection = made.code.protection_maximum = 5;
        return made;
    }();
    return told;
}

bool is_of_system(const void *address) {
    const auto *const at = static_cast<const char *>(address);
    return at == reinterpret_cast<const char *>(&told_system()) ||
           (at >= &__executable_start && at < &etext);
}

struct information {
    const char *file;
    const void *base;
    const char *name;
    const void *address;
};

int describe(const void *address, information *told) {
    if (is_of_system(address)) {
        *told = {"/usr/lib/libSystem.B.dylib", &told_system(), nullptr, nullptr};
        return 1;
    }
    const image *const at = process::image_containing(address);
    if (at == nullptr) return 0;
    *told = {at->path.c_str(), at->header(), nullptr, nullptr};
    const process::nearest_symbol symbol =
        process::symbol_before(*at, reinterpret_cast<std::uintptr_t>(address));
    if (symbol.address != 0) {
        told->name = symbol.name.data(); // ends with a zero, like all names in the file
        told->address = reinterpret_cast<const void *>(symbol.address);
    }
    return 1;
}

// In dyld's order the program is the first one.
image *by_index(std::uint32_t index) {
    if (index == 0) return process::program();
    const std::size_t place = process::index_of(process::program());
    return process::image_at(index <= place ? index - 1 : index);
}

std::uint32_t count() { return static_cast<std::uint32_t>(process::image_count()); }
const format::header *header_of(std::uint32_t index) {
    const image *const at = by_index(index);
    return at != nullptr ? at->header() : nullptr;
}
std::intptr_t slide_of(std::uint32_t index) {
    const image *const at = by_index(index);
    return at != nullptr ? static_cast<std::intptr_t>(at->slide()) : 0;
}
const char *name_of(std::uint32_t index) {
    const image *const at = by_index(index);
    return at != nullptr ? at->path.c_str() : nullptr;
}

const image *with_header(const format::header *header) { return process::image_containing(header); }

std::uint8_t *section_data(const format::header *header, const char *segment, const char *name,
                           unsigned long *size) {
    const image *const at = with_header(header);
    const section_part *const section = at != nullptr ? at->section_named(segment, name) : nullptr;
    if (section == nullptr) return nullptr;
    *size = section->size;
    return reinterpret_cast<std::uint8_t *>(at->memory(*section));
}

std::uint8_t *segment_data(const format::header *header, const char *name, unsigned long *size) {
    const image *const at = with_header(header);
    if (at == nullptr) return nullptr;
    for (const segment_part &segment : at->file().segments)
        if (segment.name == name) {
            *size = segment.address_size;
            return reinterpret_cast<std::uint8_t *>(segment.address + at->slide());
        }
    return nullptr;
}

// The functions that ask to hear of images are told of those that are there; none ever goes.
void tell_of_images(void (*function)(const format::header *, std::intptr_t)) {
    for (std::uint32_t index = 0; index < count(); ++index)
        function(header_of(index), slide_of(index));
    function(&told_system().header, 0);
}
void tell_of_removals(void (*)(const format::header *, std::intptr_t)) {}

/// Where libunwind finds what it needs of the image with this address.
struct unwind_sections {
    const format::header *header;
    const void *frames;
    std::uintptr_t frames_size;
    const void *compact;
    std::uintptr_t compact_size;
};

int find_unwind_sections(void *address, unwind_sections *told) {
    const image *const at = process::image_containing(address);
    if (at == nullptr) return 0;
    *told = {at->header(), nullptr, 0, nullptr, 0};
    if (const section_part *const frames = at->section_named("__TEXT", "__eh_frame")) {
        told->frames = at->memory(*frames);
        told->frames_size = frames->size;
    }
    if (const section_part *const compact = at->section_named("__TEXT", "__unwind_info")) {
        told->compact = at->memory(*compact);
        told->compact_size = compact->size;
    }
    return 1;
}

int executable_path(char *to, std::uint32_t *size) {
    const std::string &path = process::program()->path;
    if (path.size() + 1 > *size) {
        *size = static_cast<std::uint32_t>(path.size() + 1);
        return -1;
    }
    std::memcpy(to, path.c_str(), path.size() + 1);
    return 0;
}

const void *no_shared_cache(std::size_t *size) {
    *size = 0;
    return nullptr;
}

// Clang's __builtin_available. Of macOS 11, the oldest that is promised.
bool version_is_at_least(std::uint32_t count, const std::uint32_t *versions) {
    constexpr std::uint32_t macos = 1;
    constexpr std::uint32_t version = 0x000b0000;
    for (std::uint32_t index = 0; index < count; ++index)
        if (versions[index * 2] == macos) return versions[index * 2 + 1] <= version;
    return true;
}

void no_lazy_binding() {
    fputs("dyld_on_linux: a lazy bind was left over\n", stderr);
    abort();
}

} // namespace
} // namespace darwin::images_of_program

namespace darwin::system {

std::span<const entry> image_names() {
    using namespace darwin::images_of_program;
    static const entry names[] = {
        function("dlsym", find_symbol),
        function("dlopen", open_image),
        function("dlclose", close_image),
        function("dlerror", last_error),
        function("dladdr", describe),
        function("_dyld_image_count", count),
        function("_dyld_get_image_header", header_of),
        function("_dyld_get_image_vmaddr_slide", slide_of),
        function("_dyld_get_image_name", name_of),
        function("_dyld_register_func_for_add_image", tell_of_images),
        function("_dyld_register_func_for_remove_image", tell_of_removals),
        function("_dyld_find_unwind_sections", find_unwind_sections),
        function("_dyld_get_shared_cache_range", no_shared_cache),
        function("_NSGetExecutablePath", executable_path),
        function("getsectiondata", section_data),
        function("getsegmentdata", segment_data),
        function("_availability_version_check", version_is_at_least),
        function("_tlv_bootstrap", darwin_thread_local_address),
        function("yld_stub_binder", no_lazy_binding),
    };
    return names;
}

} // namespace darwin::system
