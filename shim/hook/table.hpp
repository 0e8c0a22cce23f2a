// The table of hooked functions, as the hook object carries it: written by the tool at launch, read
// here (version 1). Its pointers are distances from the structure that holds them; 0 is none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace scratch::shim {

enum class hook_kind : std::uint32_t {
    region = 1,
    trusted_region = 2,
    frame = 3,
    trusted_frame = 4,
    paused = 5, // while it is on the stack, malloc goes to next
    longjmp = 6,
    instrumented = 7, // of a program built with -finstrument-functions: found by its address
    context_switch = 8,
};

struct hook_entry {
    // The next definition's address, where that is certain for good; 0: see `found`.
    std::atomic<std::uint64_t> target;
    std::int64_t name;
    std::int64_t version; // of the symbol; none: the default one
    std::int64_t module;  // a pattern; none: any
    std::int64_t label;   // what the user wrote
    hook_kind kind;
    std::uint32_t stack_bytes;   // arguments on the stack to copy
    std::uint64_t offset;        // instrumented: the function's, from its module's load address
    hook_kind instrumented_kind; // instrumented: what it is a hook of
    std::uint32_t count_place;   // the shim's own: where a heap counts its calls, in bytes
    std::atomic<std::uint64_t> calls;
    // The shim's own: a definition that need not last, 0 where none was found yet, with the topmost
    // bit where it lies in another module than the user named; the count of dlopens then; non-zero
    // while a thread notes both.
    std::atomic<std::uint64_t> found;
    std::atomic<std::uint32_t> found_at;
    std::atomic<std::uint32_t> being_noted;
    std::uint64_t for_later;

    const char *text(std::int64_t distance) const noexcept {
        return distance == 0 ? nullptr : reinterpret_cast<const char *>(this) + distance;
    }
};
static_assert(sizeof(hook_entry) == 96);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

struct hook_exclusion {
    std::int64_t module;
    std::int64_t function;

    const char *text(std::int64_t distance) const noexcept {
        return distance == 0 ? nullptr : reinterpret_cast<const char *>(this) + distance;
    }
};
static_assert(sizeof(hook_exclusion) == 16);

struct hook_table {
    char magic[8];
    std::uint32_t version;
    std::uint32_t entry_count;
    std::uint32_t entry_size;
    std::uint32_t exclusion_count;
    std::int64_t first_entry;
    std::int64_t first_exclusion;
    std::uint64_t reserved[3];
};
static_assert(sizeof(hook_table) == 64);

// Empty where no hook object was preloaded, or its version is not known here.
std::span<hook_entry> hook_entries() noexcept;
std::span<const hook_exclusion> hook_exclusions() noexcept;

} // namespace scratch::shim
