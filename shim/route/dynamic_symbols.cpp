#include "shim/route/dynamic_symbols.hpp"

namespace scratch::shim {

namespace {

// The loader of glibc relocates the addresses in the dynamic section, that of musl and the vdso do
// not.
std::uintptr_t address_in(const dl_phdr_info &object, std::uintptr_t value) noexcept {
    return value < object.dlpi_addr ? object.dlpi_addr + value : value;
}

// The table holds a bucket per hash, each the first of a run of symbols, whose end a set low bit
// marks.
std::uint32_t count_symbols(const std::uint32_t *table) noexcept {
    const std::uint32_t buckets = table[0];
    const std::uint32_t first_hashed = table[1];
    const std::uint32_t bloom_words = table[2];
    const std::uint32_t *bucket =
        table + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(std::uint32_t));
    const std::uint32_t *chain = bucket + buckets;
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < buckets; ++i)
        if (bucket[i] > last) last = bucket[i];
    if (last < first_hashed) return first_hashed;
    while ((chain[last - first_hashed] & 1) == 0)
        ++last;
    return last + 1;
}

} // namespace

symbol_tables symbol_tables_of(const dl_phdr_info &object) noexcept {
    symbol_tables tables;
    const std::uint32_t *hash = nullptr;
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
                hash = reinterpret_cast<const std::uint32_t *>(address);
        }
    }
    if (tables.symbols != nullptr && tables.strings != nullptr && hash != nullptr)
        tables.count = count_symbols(hash);
    return tables;
}

} // namespace scratch::shim
