#include "shim/route/runtime_callers.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>
#include <link.h>

#include "shim/heap/threads.hpp"
#include "shim/route/dynamic_symbols.hpp"

// Every program has it from its loader; a strong reference would make the loader a needed library.
#pragma weak _r_debug

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

// What these allocate by themselves belongs to their caller, who may be anybody.
// strdup and its kin are not among them: libc keeps strings that it made by them itself (the time
// zone's name, locales). The program's own calls of those come to exports of ours, and so do those
// that allocate deeper inside libc (asprintf, realpath). Nor is open_memstream: its stream is in
// libc's list of all streams until it is closed. Its buffer, which libc lets grow whenever the
// stream is written to, and what scanf allocates for %ms is libc's in regions, too: nothing tells
// their blocks from those that libc keeps.
constexpr const char *handing_over[] = {
    "getline",        "getdelim",         "__getdelim",        "getcwd",
    "_obstack_begin", "_obstack_begin_1", "_obstack_newchunk",
};

// Functions of the C++ library whose memory belongs to the object they are called on: strings,
// string streams' buffers, paths. By the beginnings of their mangled names. Not the strings of the
// old ABI (_ZNSs): the standard exceptions keep their texts in such strings, and an exception that
// leaves a trusted region has to be read after it.
constexpr const char *handing_over_families[] = {
    "_ZNSt7__cxx1112basic_string", "_ZNSt7__cxx1115basic_stringbuf", "_ZNSt10filesystem",
    "_ZNKSt10filesystem",          "_ZNSt3__112basic_string",
};

// libstdc++ 12 has 1,100 functions of those families; what does not fit is left to the runtime.
constinit range exempt[2048] = {};

struct runtime_object {
    range code;
    const range *exempt_begin; // sorted
    const range *exempt_end;
};

// Objects of the runtime that a process can have at once: more are left out, and so treated as
// anybody's. An entry is complete when the count says that it is there, and never changes.
constinit runtime_object objects[16] = {};
constinit std::atomic<std::uint32_t> object_count{0};
constinit std::atomic<std::uint32_t> changes{1};
constinit std::atomic<std::uint32_t> changes_read{0};
constinit std::atomic<bool> reader{false};

bool contains(const range &r, std::uintptr_t address) noexcept {
    return address - r.begin < r.end - r.begin;
}

bool is_runtime_name(const char *path) noexcept {
    const char *slash = std::strrchr(path, '/');
    const char *name = slash != nullptr ? slash + 1 : path;
    return std::any_of(
        std::begin(runtime_names), std::end(runtime_names),
        [name](const char *known) { return std::strncmp(name, known, std::strlen(known)) == 0; });
}

bool hands_over(const char *name) noexcept {
    // Exceptions outlive the region that they leave.
    if (std::strstr(name, "filesystem_error") != nullptr) return false;
    if (name[0] == '_' && name[1] == 'Z')
        return std::any_of(std::begin(handing_over_families), std::end(handing_over_families),
                           [name](const char *known) {
                               return std::strncmp(name, known, std::strlen(known)) == 0;
                           });
    return std::any_of(std::begin(handing_over), std::end(handing_over),
                       [name](const char *known) { return std::strcmp(name, known) == 0; });
}

bool is_known(std::uintptr_t begin) noexcept {
    const runtime_object *end = objects + object_count.load(std::memory_order_relaxed);
    return std::any_of(static_cast<const runtime_object *>(objects), end,
                       [begin](const runtime_object &o) { return o.code.begin == begin; });
}

void add_object(const dl_phdr_info &object, range code) noexcept {
    const std::uint32_t count = object_count.load(std::memory_order_relaxed);
    if (count == std::size(objects) || is_known(code.begin)) return;
    range *first = exempt + (count == 0 ? 0 : objects[count - 1].exempt_end - exempt);
    range *last = first;
    for_each_function(object, [&last](const char *name, std::uintptr_t begin, std::size_t size) {
        if (last != std::end(exempt) && size != 0 && hands_over(name))
            *last++ = {begin, begin + size};
    });
    std::sort(first, last, [](const range &a, const range &b) { return a.begin < b.begin; });
    objects[count] = {code, first, last};
    object_count.store(count + 1, std::memory_order_release);
    for (std::uintptr_t at = code.begin >> granule_bits; at <= (code.end - 1) >> granule_bits; ++at)
        runtime_granules[at % granules] = 1;
}

int look_at_object(struct dl_phdr_info *object, std::size_t, void *) noexcept {
    if (object->dlpi_name == nullptr || !is_runtime_name(object->dlpi_name)) return 0;
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto &segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
        const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
        add_object(*object, {begin, begin + segment.p_memsz});
    }
    return 0;
}

// What dl_iterate_phdr would say of an object whose file begins where it is loaded, as libraries
// do.
void look_at_map(const link_map &map) noexcept {
    if (map.l_name == nullptr || !is_runtime_name(map.l_name) || map.l_addr == 0) return;
    const auto *file = reinterpret_cast<const ElfW(Ehdr) *>(map.l_addr);
    if (std::memcmp(file->e_ident, ELFMAG, SELFMAG) != 0) return;
    dl_phdr_info object = {};
    object.dlpi_addr = map.l_addr;
    object.dlpi_name = map.l_name;
    object.dlpi_phdr = reinterpret_cast<const ElfW(Phdr) *>(map.l_addr + file->e_phoff);
    object.dlpi_phnum = file->e_phnum;
    look_at_object(&object, sizeof(object), nullptr);
}

bool is_exempt(const runtime_object &object, std::uintptr_t caller) noexcept {
    const range *after =
        std::upper_bound(object.exempt_begin, object.exempt_end, caller,
                         [](std::uintptr_t address, const range &r) { return address < r.begin; });
    // The byte behind a function counts: its last instruction may be the call.
    return after != object.exempt_begin && caller <= after[-1].end;
}

} // namespace

bool is_runtime(std::uintptr_t caller) noexcept {
    const runtime_object *end = objects + object_count.load(std::memory_order_acquire);
    const runtime_object *home =
        std::find_if(static_cast<const runtime_object *>(objects), end,
                     [caller](const runtime_object &o) { return contains(o.code, caller); });
    return home != end && !is_exempt(*home, caller);
}

void modules_may_change() noexcept { changes.fetch_add(1, std::memory_order_relaxed); }

bool learn_runtime() noexcept {
    const std::uint32_t now = changes.load(std::memory_order_relaxed);
    if (changes_read.load(std::memory_order_acquire) == now) return true;
    // Of threads that come at once one reads, and the others do not wait for it.
    if (reader.exchange(true, std::memory_order_acquire)) return false;
    if (is_forked_child()) {
        // The loader's lock may have been held by a thread that did not come along.
        for (const link_map *at = _r_debug.r_map; at != nullptr; at = at->l_next)
            look_at_map(*at);
    } else {
        dl_iterate_phdr(look_at_object, nullptr);
    }
    changes_read.store(now, std::memory_order_release);
    reader.store(false, std::memory_order_release);
    return true;
}

void forget_reader() noexcept { reader.store(false, std::memory_order_relaxed); }

} // namespace scratch::shim
