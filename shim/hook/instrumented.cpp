#include "shim/hook/instrumented.hpp"

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
    place.entry.store(&entry, std::memory_order_relaxed);
    place.function.store(function, std::memory_order_relaxed);
}

void clear(instrumented_functions &table) noexcept {
    for (instrumented_place &place : table.places)
        place.function.store(0, std::memory_order_relaxed);
}

} // namespace

bool exception_passes() noexcept {
    const globals_function find = find_globals.load(std::memory_order_relaxed);
    return find != nullptr && find()->uncaught != 0;
}

bool learn_instrumented() noexcept {
    if (are_instrumented_known()) return true;
    if (reader.exchange(true, std::memory_order_acquire)) return false;
    instrumented_functions *before = instrumented_now.load(std::memory_order_relaxed);
    instrumented_functions &table = before == &tables[0] ? tables[1] : tables[0];
    clear(table);
    table.read_at.store(runtime_changes.load(std::memory_order_relaxed), std::memory_order_relaxed);
    std::size_t count = 0;
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
            }
        return false;
    });
    instrumented_now.store(&table, std::memory_order_release);
    reader.store(false, std::memory_order_release);
    return true;
}

} // namespace scratch::shim
