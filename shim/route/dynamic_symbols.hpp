// The functions that loaded objects export, read from their dynamic symbol tables in memory.
//
// Unlike dlsym this leaves nothing for the program's dlerror, allocates nothing, and waits for no
// dlopen whose constructors run.
#pragma once

#include <cstdint>
#include <elf.h>
#include <link.h>

namespace scratch::shim {

struct symbol_tables {
    const ElfW(Sym) *symbols = nullptr;
    const char *strings = nullptr;
    const ElfW(Versym) *versions = nullptr;    // of each symbol; null where the object has none
    const ElfW(Verdef) *definitions = nullptr; // what those numbers are called
    const std::uint32_t *hash = nullptr;       // the GNU one
    const std::uint32_t *first_hash = nullptr; // of System V, in objects that have no other
    const char *soname = nullptr;
    std::uint32_t count = 0;
};

// Without symbols where the object has no hash table (by which their number is found).
symbol_tables symbol_tables_of(const dl_phdr_info &object) noexcept;

// The object's symbol of that name, defined there in whatever version; null where there is none.
const ElfW(Sym) * find_symbol(const dl_phdr_info &object, const char *name) noexcept;

// The address of the function that the object exports by that name, in that version or, where that
// is null, in its default one; 0 if none. Of an indirect function, what it chooses.
std::uintptr_t find_function(const dl_phdr_info &object, const char *name,
                             const char *version) noexcept;

// Whether `pattern` names the object: by its soname, or its file's name, or, where there is a slash
// in it, its path. The program itself is named by its own file.
bool is_module(const dl_phdr_info &object, const char *pattern) noexcept;

// Whether the address lies in the object.
bool contains(const dl_phdr_info &object, const void *address) noexcept;

// Calls visit(value) for each entry of that kind in what the object tells the loader.
template <typename Visit>
void for_each_entry(const dl_phdr_info &object, std::int64_t tag, Visit &&visit) noexcept {
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const auto &segment = object.dlpi_phdr[i];
        if (segment.p_type != PT_DYNAMIC) continue;
        const auto *entry = reinterpret_cast<const ElfW(Dyn) *>(object.dlpi_addr + segment.p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry)
            if (entry->d_tag == tag) visit(entry->d_un.d_val);
    }
}

// Calls visit(name) for each library that the object says it needs.
template <typename Visit>
void for_each_needed(const dl_phdr_info &object, Visit &&visit) noexcept {
    const symbol_tables tables = symbol_tables_of(object);
    if (tables.strings == nullptr) return;
    for_each_entry(object, DT_NEEDED,
                   [&](std::uint64_t offset) { visit(tables.strings + offset); });
}

// Whether that is the program itself, not a library.
bool is_program(const dl_phdr_info &object) noexcept;

// The file of the program itself, whose name the loader does not keep; "" where it is not known.
const char *program_path() noexcept;

namespace detail {
using object_visitor = bool (*)(const dl_phdr_info &object, void *context);
void visit_objects(object_visitor visit, void *context) noexcept;
} // namespace detail

// Calls visit(object) for each loaded object in the order of their loading, until one returns true.
template <typename Visit>
void for_each_object(Visit visit) noexcept {
    detail::visit_objects([](const dl_phdr_info &object,
                             void *context) { return (*static_cast<Visit *>(context))(object); },
                          &visit);
}

// Calls visit(name, address, size) for each function.
template <typename Visit>
void for_each_function(const dl_phdr_info &object, Visit &&visit) noexcept {
    const symbol_tables tables = symbol_tables_of(object);
    for (std::uint32_t i = 0; i < tables.count; ++i) {
        const ElfW(Sym) &symbol = tables.symbols[i];
        if (symbol.st_shndx == SHN_UNDEF || (symbol.st_info & 0xf) != STT_FUNC) continue;
        visit(tables.strings + symbol.st_name, object.dlpi_addr + symbol.st_value, symbol.st_size);
    }
}

} // namespace scratch::shim
