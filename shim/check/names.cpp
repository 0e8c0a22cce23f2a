#include "shim/check/names.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/check/source_lines.hpp"
#include "shim/check/unwind.hpp"
#include "shim/observe/descriptor.hpp"
#include "shim/route/dynamic_symbols.hpp"

namespace scratch::shim::check {

namespace {

// A module's file, mapped while its symbols are looked at. Nothing in it is believed unchecked.
class module_file {
public:
    explicit module_file(const char *path) noexcept {
        const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (file < 0) return;
        // Not by fstat, which has another name in glibc before 2.33.
        const off_t size = lseek(file, 0, SEEK_END);
        if (size >= static_cast<off_t>(sizeof(ElfW(Ehdr)))) {
            size_ = static_cast<std::size_t>(size);
            void *mapped = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
            bytes_ = mapped == MAP_FAILED ? nullptr : static_cast<const char *>(mapped);
        }
        close_descriptor(file);
        find_sections();
    }
    ~module_file() {
        if (bytes_ != nullptr) munmap(const_cast<char *>(bytes_), size_);
    }
    module_file(const module_file &) = delete;
    module_file &operator=(const module_file &) = delete;

    bool has_lines() const noexcept { return has_lines_; }

    // The function that holds the address, or an empty text. One of unknown size ends where the
    // next begins.
    std::string_view function_at(std::uintptr_t offset) const noexcept {
        if (symbols_ == nullptr) return {};
        const ElfW(Sym) *nearest = nullptr;
        for (const ElfW(Sym) & symbol : part<ElfW(Sym)>(*symbols_)) {
            if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_value > offset) continue;
            if (offset - symbol.st_value < symbol.st_size) return name_of(symbol);
            if (nearest == nullptr || symbol.st_value > nearest->st_value) nearest = &symbol;
        }
        const bool is_open = nearest != nullptr && nearest->st_size == 0;
        return is_open && is_in_section(*nearest, offset) ? name_of(*nearest) : std::string_view{};
    }

private:
    template <typename T>
    std::span<const T> part(const ElfW(Shdr) & section) const noexcept {
        if (section.sh_type == SHT_NOBITS || section.sh_offset > size_ ||
            section.sh_size > size_ - section.sh_offset || section.sh_offset % alignof(T) != 0)
            return {};
        return {reinterpret_cast<const T *>(bytes_ + section.sh_offset),
                section.sh_size / sizeof(T)};
    }

    std::string_view text_at(const ElfW(Shdr) & strings, std::size_t at) const noexcept {
        const std::span<const char> all = part<char>(strings);
        if (at >= all.size()) return {};
        return {all.data() + at, strnlen(all.data() + at, all.size() - at)};
    }

    std::string_view name_of(const ElfW(Sym) & symbol) const noexcept {
        return text_at(sections_[symbols_->sh_link], symbol.st_name);
    }

    bool is_in_section(const ElfW(Sym) & symbol, std::uintptr_t offset) const noexcept {
        if (symbol.st_shndx >= sections_.size()) return false;
        const ElfW(Shdr) &section = sections_[symbol.st_shndx];
        return offset - section.sh_addr < section.sh_size;
    }

    void find_sections() noexcept {
        if (bytes_ == nullptr) return;
        const auto *file = reinterpret_cast<const ElfW(Ehdr) *>(bytes_);
        const std::size_t bytes = std::size_t{file->e_shnum} * sizeof(ElfW(Shdr));
        if (std::memcmp(file->e_ident, ELFMAG, SELFMAG) != 0 || file->e_shoff > size_ ||
            bytes > size_ - file->e_shoff || file->e_shstrndx >= file->e_shnum)
            return;
        sections_ = {reinterpret_cast<const ElfW(Shdr) *>(bytes_ + file->e_shoff), file->e_shnum};
        for (const ElfW(Shdr) & section : sections_) {
            const std::string_view name = text_at(sections_[file->e_shstrndx], section.sh_name);
            has_lines_ |= name == ".debug_line" || name == ".gnu_debuglink";
            if (section.sh_type == SHT_SYMTAB && section.sh_link < sections_.size())
                symbols_ = &section;
        }
    }

    const char *bytes_ = nullptr;
    std::size_t size_ = 0;
    std::span<const ElfW(Shdr)> sections_;
    const ElfW(Shdr) *symbols_ = nullptr;
    bool has_lines_ = false;
};

// The program's own file has no name in the loader's list.
const char *path_of_program() noexcept {
    const char *path = program_path();
    return path[0] != 0 ? path : "/proc/self/exe";
}

void ask_loader(place_name &place) noexcept {
    Dl_info info;
    const std::uintptr_t call = place.address - 1;
    if (dladdr(reinterpret_cast<void *>(call), &info) == 0) return;
    // What nothing below finds is a program at fixed addresses, which a forked child's list leaves
    // out.
    place.module = path_of_program();
    place.offset = call;
    for_each_object([&](const dl_phdr_info &object) {
        if (!contains(object, reinterpret_cast<const void *>(call))) return false;
        // musl calls the program by the name that it was started with.
        if (!is_program(object) && object.dlpi_name[0] != 0) place.module = object.dlpi_name;
        place.offset = call - object.dlpi_addr;
        // musl takes one of unknown size for one without end.
        const ElfW(Sym) *symbol =
            info.dli_sname != nullptr ? find_symbol(object, info.dli_sname) : nullptr;
        if (symbol != nullptr && symbol->st_size == 0 && place.offset != symbol->st_value)
            info.dli_sname = nullptr;
        return true;
    });
    if (info.dli_sname != nullptr) copy_text(place.function, info.dli_sname);
}

// What was found before: reports share most of their frames, and a child process takes long.
constinit std::array<place_name, 512> found_before = {};
place_name &remembered(std::uintptr_t address) noexcept {
    return found_before[(address * 0x9e3779b97f4a7c15 >> 40) % found_before.size()];
}

void look_into_file(const char *module, std::span<place_name> places, bool lines) noexcept {
    const module_file file(module);
    for (place_name &place : places) {
        if (place.known || place.module != module) continue;
        if (const std::string_view found = file.function_at(place.offset); !found.empty())
            copy_text(place.function, found);
    }
    if (lines && file.has_lines()) find_source_lines(module, places);
    for (place_name &place : places)
        if (place.module == module) place.known = true;
}

} // namespace

void find_names(std::span<place_name> places, bool lines) noexcept {
    if (!loader_can_be_asked()) return;
    for (place_name &place : places) {
        ask_loader(place);
        const place_name &before = remembered(place.address);
        // Another object may be loaded there by now.
        if (before.address == place.address && before.offset == place.offset &&
            before.module == place.module)
            place = before;
    }
    for (std::size_t i = 0; i < places.size(); ++i)
        if (!places[i].known && places[i].module != nullptr)
            look_into_file(places[i].module, places.subspan(i), lines);
    for (const place_name &place : places)
        remembered(place.address) = place;
}

} // namespace scratch::shim::check
