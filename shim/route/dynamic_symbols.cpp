#include "shim/route/dynamic_symbols.hpp"

#include <cstring>

namespace scratch::shim {

namespace {

// The loader of glibc relocates the addresses in the dynamic section, that of musl and the vdso do
// not.
std::uintptr_t address_in(const dl_phdr_info &object, std::uintptr_t value) noexcept {
    return value < object.dlpi_addr ? object.dlpi_addr + value : value;
}

// The table holds a bucket per hash, each the first of a run of symbols, whose end a set low bit
// marks.
struct gnu_hash_table {
    std::uint32_t buckets;
    std::uint32_t first_hashed;
    const std::uint32_t *bucket;
    const std::uint32_t *chain;
};

gnu_hash_table read_gnu_hash(const std::uint32_t *table) noexcept {
    const std::uint32_t bloom_words = table[2];
    const std::uint32_t *bucket =
        table + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(std::uint32_t));
    return {table[0], table[1], bucket, bucket + table[0]};
}

std::uint32_t gnu_hash(const char *name) noexcept {
    std::uint32_t hash = 5381;
    for (; *name != '\0'; ++name)
        hash = hash * 33 + static_cast<unsigned char>(*name);
    return hash;
}

std::uint32_t count_symbols(const std::uint32_t *words) noexcept {
    const gnu_hash_table table = read_gnu_hash(words);
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < table.buckets; ++i)
        if (table.bucket[i] > last) last = table.bucket[i];
    if (last < table.first_hashed) return table.first_hashed;
    while ((table.chain[last - table.first_hashed] & 1) == 0)
        ++last;
    return last + 1;
}

} // namespace

symbol_tables symbol_tables_of(const dl_phdr_info &object) noexcept {
    symbol_tables tables;
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const auto &segment = object.dlpi_phdr[i];
        if (segment.p_type != PT_DYNAMIC) continue;
        const auto *entry = reinterpret_cast<const ElfW(Dyn) *>(object.dlpi_addr + segment.p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry) {
            const std::uintptr_t address = address_in(object, entry->d_un.d_ptr);
            if (entry->d_tag == DT_SYMTAB)
                tables.symbols = reinterpret_cast<const ElfW(Sym) *>(address);
            if (entry->d_tag == DT_STRTAB) tables.strings = reinterpret_cast<const char *>(address);
            if (entry->d_tag == DT_GNU_HASH)
                tables.hash = reinterpret_cast<const std::uint32_t *>(address);
        }
    }
    if (tables.symbols != nullptr && tables.strings != nullptr && tables.hash != nullptr)
        tables.count = count_symbols(tables.hash);
    return tables;
}

const ElfW(Sym) * find_symbol(const dl_phdr_info &object, const char *name) noexcept {
    const symbol_tables tables = symbol_tables_of(object);
    if (tables.count == 0) return nullptr;
    const gnu_hash_table hash = read_gnu_hash(tables.hash);
    const std::uint32_t wanted = gnu_hash(name);
    for (std::uint32_t i = hash.bucket[wanted % hash.buckets]; i >= hash.first_hashed; ++i) {
        const std::uint32_t seen = hash.chain[i - hash.first_hashed];
        const ElfW(Sym) &symbol = tables.symbols[i];
        if ((seen | 1) == (wanted | 1) && symbol.st_shndx != SHN_UNDEF &&
            std::strcmp(tables.strings + symbol.st_name, name) == 0)
            return &symbol;
        if ((seen & 1) != 0) break;
    }
    return nullptr;
}

} // namespace scratch::shim
