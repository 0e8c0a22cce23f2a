#include "shim/route/runtime_callers.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <iterator>
#include <link.h>

#include "shim/next/next.hpp"

namespace scratch::shim {

constinit std::uint8_t runtime_granules[granules] = {};

namespace {

struct range {
    std::uintptr_t begin;
    std::uintptr_t end;
};

constexpr const char *runtime_names[] = {
    "libc.so.",     "ld-linux",   "ld-musl",       "libc.musl",      "libstdc++.so.",
    "libgcc_s.so.", "libc++.so.", "libc++abi.so.", "libpthread.so.", "libdl.so.",
};

// What these return belongs to their caller, who may be anybody.
constexpr const char *handing_over[] = {
    "strdup",
    "__strdup",
    "strndup",
    "__strndup",
    "wcsdup",
    "asprintf",
    "vasprintf",
    "__vasprintf_chk",
    "__asprintf_chk",
    "getline",
    "getdelim",
    "__getdelim",
    "open_memstream",
    "open_wmemstream",
    "realpath",
    "getcwd",
    "canonicalize_file_name",
    "get_current_dir_name",
};

// Objects of the runtime that a process can have at once: more are left out, and so treated as
// anybody's.
constinit range objects[16] = {};
constinit std::atomic<std::uint32_t> object_count{0};
constinit range exempt[std::size(handing_over)] = {};
constinit std::atomic<std::uint32_t> exempt_count{0};
constinit std::atomic<std::uint32_t> changes{1};
constinit std::atomic<std::uint32_t> changes_read{0};

bool is_in(const range *ranges, std::uint32_t count, std::uintptr_t address) noexcept {
    return std::any_of(ranges, ranges + count,
                       [address](const range &r) { return address - r.begin < r.end - r.begin; });
}

void add_object(range text) noexcept {
    const std::uint32_t count = object_count.load(std::memory_order_relaxed);
    if (count == std::size(objects)) return;
    for (std::uint32_t i = 0; i < count; ++i)
        if (objects[i].begin == text.begin) return;
    objects[count] = text;
    object_count.store(count + 1, std::memory_order_release);
    for (std::uintptr_t at = text.begin >> granule_bits; at <= (text.end - 1) >> granule_bits; ++at)
        runtime_granules[at % granules] = 1;
}

bool is_runtime_name(const char *path) noexcept {
    const char *slash = std::strrchr(path, '/');
    const char *name = slash != nullptr ? slash + 1 : path;
    return std::any_of(
        std::begin(runtime_names), std::end(runtime_names),
        [name](const char *known) { return std::strncmp(name, known, std::strlen(known)) == 0; });
}

int look_at_object(struct dl_phdr_info *object, std::size_t, void *) noexcept {
    if (object->dlpi_name == nullptr || !is_runtime_name(object->dlpi_name)) return 0;
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto &segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
        const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
        add_object({begin, begin + segment.p_memsz});
    }
    return 0;
}

void learn_exempt() noexcept {
    std::uint32_t count = 0;
    for (const char *name : handing_over) {
        void *function = find_next(name);
        Dl_info info;
        const ElfW(Sym) *symbol = nullptr;
        if (function == nullptr ||
            dladdr1(function, &info, reinterpret_cast<void **>(const_cast<ElfW(Sym) **>(&symbol)),
                    RTLD_DL_SYMENT) == 0 ||
            symbol == nullptr)
            continue;
        const auto begin = reinterpret_cast<std::uintptr_t>(function);
        exempt[count++] = {begin, begin + symbol->st_size};
    }
    exempt_count.store(count, std::memory_order_release);
}

} // namespace

bool is_runtime(std::uintptr_t caller) noexcept {
    return is_in(objects, object_count.load(std::memory_order_acquire), caller) &&
           !is_in(exempt, exempt_count.load(std::memory_order_acquire), caller);
}

void modules_may_change() noexcept { changes.fetch_add(1, std::memory_order_relaxed); }

void learn_runtime() noexcept {
    const std::uint32_t now = changes.load(std::memory_order_relaxed);
    if (changes_read.load(std::memory_order_relaxed) == now) return;
    changes_read.store(now, std::memory_order_relaxed);
    dl_iterate_phdr(look_at_object, nullptr);
    if (exempt_count.load(std::memory_order_relaxed) == 0) learn_exempt();
}

} // namespace scratch::shim
