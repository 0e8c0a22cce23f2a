// The functions that a loaded object exports, read from its dynamic symbol table in memory.
#pragma once

#include <cstdint>
#include <elf.h>
#include <link.h>

namespace scratch::shim {

struct symbol_tables {
    const ElfW(Sym) *symbols = nullptr;
    const char *strings = nullptr;
    std::uint32_t count = 0;
    const std::uint32_t *hash = nullptr;
};

// Empty where the object has no GNU hash table (by which the number of symbols is found).
symbol_tables symbol_tables_of(const dl_phdr_info &object) noexcept;

// The object's symbol of that name, defined there in whatever version; null where there is none.
const ElfW(Sym) * find_symbol(const dl_phdr_info &object, const char *name) noexcept;

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
