#include "shim/route/runtime_callers.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "shim/observe/without_folder.hpp"
#include "shim/route/dynamic_symbols.hpp"
#include "shim/route/patterns.hpp"
#include "shim/route/route.hpp"

namespace scratch::shim {

constinit std::uint8_t runtime_granules[granules] = {};
constinit std::atomic<std::uint32_t> runtime_changes{1};
constinit std::atomic<std::uint32_t> runtime_changes_read{0};

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
constinit std::atomic<bool> reader{false};

// What the user excluded, and where that was found. A range is complete when the count says that it
// is there; one of an object that was closed stays, and sends calls of whoever comes there to next.
constinit excluded_functions patterns[64] = {};
constinit std::size_t pattern_count = 0;
constinit range excluded[1024] = {};
constinit std::atomic<std::uint32_t> excluded_count{0};

bool contains(const range &r, std::uintptr_t address) noexcept {
    return address - r.begin < r.end - r.begin;
}

bool is_runtime_name(const char *path) noexcept {
    const char *name = without_folder(path);
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

void mark_granules(range code) noexcept {
    // The byte behind it too: its last instruction may be the call.
    for (std::uintptr_t at = code.begin >> granule_bits; at <= code.end >> granule_bits; ++at)
        runtime_granules[at % granules] = 1;
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
    mark_granules(code);
}

void add_runtime(const dl_phdr_info &object) noexcept {
    if (object.dlpi_name == nullptr || !is_runtime_name(object.dlpi_name)) return;
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const auto &segment = object.dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
        const std::uintptr_t begin = object.dlpi_addr + segment.p_vaddr;
        add_object(object, {begin, begin + segment.p_memsz});
    }
}

void exclude(range code) noexcept {
    const std::uint32_t count = excluded_count.load(std::memory_order_relaxed);
    const range *end = excluded + count;
    if (count == std::size(excluded) ||
        std::any_of(static_cast<const range *>(excluded), end, [code](const range &known) {
            return known.begin == code.begin && known.end == code.end;
        }))
        return;
    excluded[count] = code;
    excluded_count.store(count + 1, std::memory_order_release);
    mark_granules(code);
}

void add_excluded(const dl_phdr_info &object) noexcept {
    for (std::size_t i = 0; i < pattern_count; ++i) {
        const excluded_functions &wanted = patterns[i];
        if (wanted.module != nullptr && !is_module(object, wanted.module)) continue;
        for_each_function(object,
                          [&wanted](const char *name, std::uintptr_t begin, std::size_t size) {
                              if (size != 0 && matches(wanted.function, name))
                                  exclude({begin, begin + size});
                          });
    }
}

bool is_exempt(const runtime_object &object, std::uintptr_t caller) noexcept {
    const range *after =
        std::upper_bound(object.exempt_begin, object.exempt_end, caller,
                         [](std::uintptr_t address, const range &r) { return address < r.begin; });
    // The byte behind a function counts: its last instruction may be the call.
    return after != object.exempt_begin && caller <= after[-1].end;
}

} // namespace

bool is_excepted(std::uintptr_t caller) noexcept {
    const range *end = excluded + excluded_count.load(std::memory_order_acquire);
    return std::any_of(static_cast<const range *>(excluded), end,
                       [caller](const range &r) { return caller > r.begin && caller <= r.end; });
}

bool is_runtime(std::uintptr_t caller) noexcept {
    const runtime_object *end = objects + object_count.load(std::memory_order_acquire);
    const runtime_object *home =
        std::find_if(static_cast<const runtime_object *>(objects), end,
                     [caller](const runtime_object &o) { return contains(o.code, caller); });
    return home != end ? !is_exempt(*home, caller) : is_excepted(caller);
}

void modules_may_change() noexcept { runtime_changes.fetch_add(1, std::memory_order_relaxed); }

void exclude_callers(std::span<const excluded_functions> wanted) noexcept {
    pattern_count = std::min(wanted.size(), std::size(patterns));
    std::copy_n(wanted.begin(), pattern_count, patterns);
    // The exported malloc does not ask for them in counted regions.
    redirect_entries();
}

bool has_exclusions() noexcept { return pattern_count != 0; }

bool learn_runtime() noexcept {
    const std::uint32_t now = runtime_changes.load(std::memory_order_relaxed);
    if (runtime_changes_read.load(std::memory_order_acquire) == now) return true;
    // Of threads that come at once one reads, and the others do not wait for it.
    if (reader.exchange(true, std::memory_order_acquire)) return false;
    for_each_object([](const dl_phdr_info &object) {
        add_runtime(object);
        add_excluded(object);
        return false;
    });
    runtime_changes_read.store(now, std::memory_order_release);
    reader.store(false, std::memory_order_release);
    return true;
}

void forget_reader() noexcept { reader.store(false, std::memory_order_relaxed); }

} // namespace scratch::shim
