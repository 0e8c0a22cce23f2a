#include "shim/hook/instrumented.hpp"

#include <cstring>

#include "shim/route/dynamic_symbols.hpp"

namespace scratch::shim {

constinit std::atomic<instrumented_functions *> instrumented_now{nullptr};

namespace {

// The C++ ABI's, by its beginning: the number is raised by a throw and lowered by the catch.
struct exception_globals {
    void *caught;
    unsigned int uncaught;
};
using globals_function = exception_globals *(*)();
constinit std::atomic<globals_function> find_globals{nullptr};
// A hooked program has functions that exceptions pass, and a C++ runtime that shows nobody how many
// are on their way.
constinit std::atomic<bool> exceptions_unseen{false};

// Two, so that one can be looked into while the other is made.
constinit instrumented_functions tables[2] = {};
constinit std::atomic<bool> reader{false};

// So full a table is not filled further: a look would take long.
constexpr std::size_t most_functions = instrumented_places / 2;

bool is_of_program(const hook_entry &entry) noexcept {
    return entry.kind == hook_kind::instrumented && entry.offset != 0 && entry.module != 0;
}

void add(instrumented_functions &table, std::uintptr_t function, hook_entry &entry) noexcept {
    std::size_t at = first_place_of(function);
    while (table.places[at % instrumented_places].function.load(std::memory_order_relaxed) != 0)
        ++at;
    instrumented_place &place = table.places[at % instrumented_places];
    // Each after what stood before it, for a thread that still looks through the table of two
    // dlopens ago: if find_instrumented sees the entry, it sees that the place was cleared.
    place.entry.store(&entry, std::memory_order_release);
    place.function.store(function, std::memory_order_release);
}

template <typename T>
T read_at(const unsigned char *from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof(value));
    return value;
}

// Whether exceptions that pass the object's functions run code of theirs: some description of a
// frame there names a personality. Only then is an exit hook called by one. As usual linkers lay
// it out; of anything else it is assumed.
bool may_be_unwound(const dl_phdr_info &object) noexcept {
    const unsigned char *header = nullptr;
    for (int i = 0; i < object.dlpi_phnum; ++i)
        if (object.dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            header = reinterpret_cast<const unsigned char *>(object.dlpi_addr +
                                                             object.dlpi_phdr[i].p_vaddr);
    if (header == nullptr) return false;
    constexpr unsigned char relative_to_itself = 0x1b;
    if (header[0] != 1 || header[1] != relative_to_itself) return true;
    const unsigned char *frame = header + 4 + read_at<std::int32_t>(header + 4);
    while (const auto length = read_at<std::uint32_t>(frame)) {
        if (length == UINT32_MAX || !contains(object, frame)) return true;
        const bool is_common_part = read_at<std::uint32_t>(frame + 4) == 0;
        const auto *augmentation = reinterpret_cast<const char *>(frame + 9);
        if (is_common_part && std::strchr(augmentation, 'P') != nullptr) return true;
        frame += sizeof(length) + length;
    }
    return false;
}

void clear(instrumented_functions &table) noexcept {
    for (instrumented_place &place : table.places)
        place.function.store(0, std::memory_order_relaxed);
}

} // namespace

bool exception_passes() noexcept {
    const globals_function find = find_globals.load(std::memory_order_relaxed);
    return find != nullptr ? find()->uncaught != 0
                           : exceptions_unseen.load(std::memory_order_relaxed);
}

void forget_instrumented_reader() noexcept { reader.store(false, std::memory_order_relaxed); }

bool learn_instrumented() noexcept {
    if (are_instrumented_known()) return true;
    if (reader.exchange(true, std::memory_order_acquire)) return false;
    instrumented_functions *before = instrumented_now.load(std::memory_order_relaxed);
    instrumented_functions &table = before == &tables[0] ? tables[1] : tables[0];
    clear(table);
    table.read_at.store(runtime_changes.load(std::memory_order_relaxed), std::memory_order_relaxed);
    std::size_t count = 0;
    bool may_throw = false;
    for_each_object([&](const dl_phdr_info &object) {
        if (find_globals.load(std::memory_order_relaxed) == nullptr)
            find_globals.store(reinterpret_cast<globals_function>(
                                   find_function(object, "__cxa_get_globals", nullptr)),
                               std::memory_order_relaxed);
        for (hook_entry &entry : hook_entries())
            if (is_of_program(entry) && count < most_functions &&
                is_module(object, entry.text(entry.module))) {
                add(table, object.dlpi_addr + entry.offset, entry);
                ++count;
                may_throw = may_throw || may_be_unwound(object);
            }
        return false;
    });
    exceptions_unseen.store(may_throw, std::memory_order_relaxed);
    instrumented_now.store(&table, std::memory_order_release);
    reader.store(false, std::memory_order_release);
    return true;
}

hook_entry *look_for_instrumented(std::uintptr_t function) noexcept {
    hook_entry *found = nullptr;
    for_each_object([&](const dl_phdr_info &object) {
        if (!contains(object, reinterpret_cast<const void *>(function))) return false;
        for (hook_entry &entry : hook_entries())
            if (is_of_program(entry) && object.dlpi_addr + entry.offset == function &&
                is_module(object, entry.text(entry.module)))
                found = &entry;
        return true;
    });
    return found;
}

} // namespace scratch::shim
