#include "shim/route/dynamic_symbols.hpp"

#include <climits>
#include <cstring>
#include <string_view>
#include <sys/auxv.h>

#include "core/kept_errno.hpp"
#include "shim/heap/readable.hpp"
#include "shim/heap/threads.hpp"
#include "shim/next/loader.hpp"
#include "shim/observe/descriptor.hpp"
#include "shim/observe/without_folder.hpp"
#include "shim/route/patterns.hpp"

namespace scratch::shim {

namespace {

// The loader of glibc relocates the addresses in the dynamic section, that of musl and the vdso do
// not.
std::uintptr_t address_in(const dl_phdr_info &object, std::uintptr_t value) noexcept {
    return value < object.dlpi_addr ? object.dlpi_addr + value : value;
}

// A bucket per hash, each the first of a run of symbols, whose end a set low bit marks.
struct hash_table {
    std::uint32_t bucket_count;
    std::uint32_t first_hashed; // symbols before this one are not in the table
    const std::uint32_t *buckets;
    const std::uint32_t *chain;

    explicit hash_table(const std::uint32_t *words) noexcept
        : bucket_count(words[0]), first_hashed(words[1]),
          buckets(words + 4 + words[2] * (sizeof(ElfW(Addr)) / sizeof(std::uint32_t))),
          chain(buckets + bucket_count) {}

    std::uint32_t count_symbols() const noexcept {
        std::uint32_t last = 0;
        for (std::uint32_t i = 0; i < bucket_count; ++i)
            if (buckets[i] > last) last = buckets[i];
        if (last < first_hashed) return first_hashed;
        while ((chain[last - first_hashed] & 1) == 0)
            ++last;
        return last + 1;
    }

    // Calls visit(index) for the symbols that may have the name that this is the hash of.
    template <typename Visit>
    void for_each_with(std::uint32_t hash, Visit &&visit) const noexcept {
        if (bucket_count == 0) return;
        std::uint32_t index = buckets[hash % bucket_count];
        if (index < first_hashed) return;
        for (;; ++index) {
            const std::uint32_t other = chain[index - first_hashed];
            if ((other | 1) == (hash | 1)) visit(index);
            if ((other & 1) != 0) return;
        }
    }
};

std::uint32_t hash_of(const char *name) noexcept {
    std::uint32_t hash = 5381;
    for (; *name != '\0'; ++name)
        hash = hash * 33 + static_cast<unsigned char>(*name);
    return hash;
}

// The first form of such tables: a bucket per hash, each the first of a list through `chain`, which
// has a word for each symbol.
struct first_hash_table {
    std::uint32_t bucket_count;
    std::uint32_t symbol_count;
    const std::uint32_t *buckets;
    const std::uint32_t *chain;

    explicit first_hash_table(const std::uint32_t *words) noexcept
        : bucket_count(words[0]), symbol_count(words[1]), buckets(words + 2),
          chain(buckets + bucket_count) {}

    template <typename Visit>
    void for_each_with(std::uint32_t hash, Visit &&visit) const noexcept {
        if (bucket_count == 0) return;
        for (std::uint32_t index = buckets[hash % bucket_count]; index != STN_UNDEF;
             index = chain[index])
            visit(index);
    }
};

std::uint32_t first_hash_of(const char *name) noexcept {
    std::uint32_t hash = 0;
    for (; *name != '\0'; ++name) {
        hash = (hash << 4) + static_cast<unsigned char>(*name);
        hash ^= hash >> 24 & 0xf0;
        hash &= 0x0fffffff;
    }
    return hash;
}

// Calls visit(index) for the symbols of that name, defined there or not.
template <typename Visit>
void for_each_named(const symbol_tables &tables, const char *name, Visit &&visit) noexcept {
    if (tables.count == 0) return;
    const auto visit_named = [&](std::uint32_t index) {
        if (std::strcmp(tables.strings + tables.symbols[index].st_name, name) == 0) visit(index);
    };
    if (tables.hash != nullptr)
        hash_table(tables.hash).for_each_with(hash_of(name), visit_named);
    else
        first_hash_table(tables.first_hash).for_each_with(first_hash_of(name), visit_named);
}

constexpr ElfW(Versym) hidden_version = 0x8000;

const char *version_of(const symbol_tables &tables, std::uint32_t index) noexcept {
    if (tables.definitions == nullptr) return nullptr;
    const ElfW(Versym) number = tables.versions[index] & ~hidden_version;
    for (const auto *at = tables.definitions;;) {
        const auto *bytes = reinterpret_cast<const char *>(at);
        if (at->vd_ndx == number)
            return tables.strings +
                   reinterpret_cast<const ElfW(Verdaux) *>(bytes + at->vd_aux)->vda_name;
        if (at->vd_next == 0) return nullptr;
        at = reinterpret_cast<const ElfW(Verdef) *>(bytes + at->vd_next);
    }
}

bool is_wanted_version(const symbol_tables &tables, std::uint32_t index,
                       const char *version) noexcept {
    if (tables.versions == nullptr) return true;
    if (version == nullptr) return (tables.versions[index] & hidden_version) == 0;
    const char *its = version_of(tables, index);
    return its != nullptr && std::strcmp(its, version) == 0;
}

std::uintptr_t address_of(const dl_phdr_info &object, const ElfW(Sym) & symbol) noexcept {
    const std::uintptr_t address = object.dlpi_addr + symbol.st_value;
    if (ELF64_ST_TYPE(symbol.st_info) != STT_GNU_IFUNC) return address;
    return reinterpret_cast<std::uintptr_t (*)()>(address)();
}

bool is_function(const ElfW(Sym) & symbol) noexcept {
    const auto type = ELF64_ST_TYPE(symbol.st_info);
    const auto binding = ELF64_ST_BIND(symbol.st_info);
    return symbol.st_shndx != SHN_UNDEF && symbol.st_value != 0 && binding != STB_LOCAL &&
           (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

// What dl_iterate_phdr would say of an object whose file begins where it is loaded, as libraries
// do. One that is being closed is unmapped, all of it at once, before it leaves the list.
bool describe(const link_map &map, dl_phdr_info &object) noexcept {
    if (map.l_name == nullptr || map.l_addr == 0 || !is_readable(map.l_addr)) return false;
    const auto *file = reinterpret_cast<const ElfW(Ehdr) *>(map.l_addr);
    if (std::memcmp(file->e_ident, ELFMAG, SELFMAG) != 0) return false;
    object.dlpi_addr = map.l_addr;
    object.dlpi_name = map.l_name;
    object.dlpi_phdr = reinterpret_cast<const ElfW(Phdr) *>(map.l_addr + file->e_phoff);
    object.dlpi_phnum = file->e_phnum;
    return true;
}

// Null where the kernel started the program; else it started a loader, and knows no other that
// belongs to it.
const link_map *program_loaded_by_hand() noexcept {
    return getauxval(AT_BASE) == 0 ? first_loaded_object() : nullptr;
}

} // namespace

symbol_tables symbol_tables_of(const dl_phdr_info &object) noexcept {
    symbol_tables tables;
    std::size_t soname = 0;
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const auto &segment = object.dlpi_phdr[i];
        if (segment.p_type != PT_DYNAMIC) continue;
        const auto *entry = reinterpret_cast<const ElfW(Dyn) *>(object.dlpi_addr + segment.p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry) {
            const std::uintptr_t address = address_in(object, entry->d_un.d_ptr);
            switch (entry->d_tag) {
            case DT_SYMTAB:
                tables.symbols = reinterpret_cast<const ElfW(Sym) *>(address);
                break;
            case DT_STRTAB:
                tables.strings = reinterpret_cast<const char *>(address);
                break;
            case DT_GNU_HASH:
                tables.hash = reinterpret_cast<const std::uint32_t *>(address);
                break;
            case DT_HASH:
                tables.first_hash = reinterpret_cast<const std::uint32_t *>(address);
                break;
            case DT_VERSYM:
                tables.versions = reinterpret_cast<const ElfW(Versym) *>(address);
                break;
            case DT_VERDEF:
                tables.definitions = reinterpret_cast<const ElfW(Verdef) *>(address);
                break;
            case DT_SONAME:
                soname = entry->d_un.d_val;
                break;
            default:
                break;
            }
        }
    }
    if (tables.strings != nullptr && soname != 0) tables.soname = tables.strings + soname;
    if (tables.symbols == nullptr || tables.strings == nullptr) return tables;
    if (tables.hash != nullptr)
        tables.count = hash_table(tables.hash).count_symbols();
    else if (tables.first_hash != nullptr)
        tables.count = first_hash_table(tables.first_hash).symbol_count;
    return tables;
}

const ElfW(Sym) * find_symbol(const dl_phdr_info &object, const char *name) noexcept {
    const symbol_tables tables = symbol_tables_of(object);
    const ElfW(Sym) *found = nullptr;
    for_each_named(tables, name, [&](std::uint32_t index) {
        const ElfW(Sym) &symbol = tables.symbols[index];
        if (found == nullptr && symbol.st_shndx != SHN_UNDEF) found = &symbol;
    });
    return found;
}

std::uintptr_t find_function(const dl_phdr_info &object, const char *name,
                             const char *version) noexcept {
    const symbol_tables tables = symbol_tables_of(object);
    const ElfW(Sym) *wanted = nullptr;
    const ElfW(Sym) *any = nullptr;
    for_each_named(tables, name, [&](std::uint32_t index) {
        const ElfW(Sym) &symbol = tables.symbols[index];
        if (!is_function(symbol)) return;
        if (is_wanted_version(tables, index, version)) wanted = &symbol;
        if (any == nullptr || is_wanted_version(tables, index, nullptr)) any = &symbol;
    });
    // An object without that version has what it has for all who ask.
    const ElfW(Sym) *found = wanted != nullptr ? wanted : any;
    return found == nullptr ? 0 : address_of(object, *found);
}

bool is_program(const dl_phdr_info &object) noexcept {
    const link_map *by_hand = program_loaded_by_hand();
    if (by_hand != nullptr) return contains(object, by_hand->l_ld);
    return reinterpret_cast<std::uintptr_t>(object.dlpi_phdr) == getauxval(AT_PHDR);
}

const char *program_path() noexcept {
    static constinit char path[PATH_MAX] = {};
    static constinit std::atomic<bool> read{false};
    if (!read.load(std::memory_order_acquire)) {
        const link_map *program = program_loaded_by_hand();
        const std::string_view file =
            program != nullptr ? file_mapped_at(reinterpret_cast<std::uintptr_t>(program->l_ld),
                                                path, sizeof path - 1)
                               : read_link("/proc/self/exe", path, sizeof path - 1);
        path[file.size()] = '\0';
        read.store(true, std::memory_order_release);
    }
    return path;
}

bool is_module(const dl_phdr_info &object, const char *pattern) noexcept {
    const char *path = object.dlpi_name;
    // musl calls the program by the name that it was started with.
    if (is_program(object) || path == nullptr || path[0] == '\0') path = program_path();
    if (std::strchr(pattern, '/') != nullptr) return matches(pattern, path);
    if (matches(pattern, without_folder(path))) return true;
    const symbol_tables tables = symbol_tables_of(object);
    return tables.soname != nullptr && matches(pattern, tables.soname);
}

void detail::visit_objects(object_visitor visit, void *context) noexcept {
    if (loader_may_be_locked()) {
        const kept_errno keep_errno;
        for (const link_map *at = first_loaded_object(); at != nullptr; at = at->l_next)
            if (dl_phdr_info object = {}; describe(*at, object) && visit(object, context)) return;
        return;
    }
    struct visit_words {
        object_visitor visit;
        void *context;
    } words{visit, context};
    dl_iterate_phdr(
        [](dl_phdr_info *object, std::size_t, void *all) {
            const auto *each = static_cast<const visit_words *>(all);
            return each->visit(*object, each->context) ? 1 : 0;
        },
        &words);
}

bool contains(const dl_phdr_info &object, const void *address) noexcept {
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const auto &segment = object.dlpi_phdr[i];
        if (segment.p_type == PT_LOAD &&
            reinterpret_cast<std::uintptr_t>(address) - object.dlpi_addr - segment.p_vaddr <
                segment.p_memsz)
            return true;
    }
    return false;
}

} // namespace scratch::shim
