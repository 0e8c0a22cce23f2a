#include "shim/next/operators.hpp"

#include <atomic>
#include <cstdlib>
#include <dlfcn.h>
#include <iterator>
#include <link.h>

#include "core/kept_errno.hpp"
#include "shim/next/loader_errors.hpp"
#include "shim/next/next.hpp"

namespace scratch::shim {

constinit std::atomic<void *> known_operators[operator_count] = {};

namespace {

constexpr const char *mangled_names[] = {
#define SCRATCH_NAME(name, mangled, result, parameters) mangled,
    SCRATCH_OPERATORS(SCRATCH_NAME)
#undef SCRATCH_NAME
};

// Where there is no C++ runtime at all: nobody there to throw, so an allocation that fails is the
// end, as an exception without a handler would be.
void *must_allocate(std::size_t size) noexcept {
    void *taken = next.malloc(size);
    if (taken == nullptr) std::abort();
    return taken;
}
void *must_allocate_aligned(std::size_t size, std::size_t alignment) noexcept {
    void *taken = next.memalign(alignment, size);
    if (taken == nullptr) std::abort();
    return taken;
}
void *may_allocate(std::size_t size) noexcept { return next.malloc(size); }
void *may_allocate_aligned(std::size_t size, std::size_t alignment) noexcept {
    return next.memalign(alignment, size);
}
void give_back(void *payload) noexcept {
    std::free(payload);
} // ours: blocks of both kinds come here

void *without_runtime(cxx_operator wanted) noexcept {
    switch (wanted) {
    case cxx_operator::plain_new:
    case cxx_operator::array_new:
        return reinterpret_cast<void *>(must_allocate);
    case cxx_operator::nothrow_new:
    case cxx_operator::nothrow_array_new:
        return reinterpret_cast<void *>(may_allocate);
    case cxx_operator::aligned_new:
    case cxx_operator::aligned_array_new:
        return reinterpret_cast<void *>(must_allocate_aligned);
    case cxx_operator::aligned_nothrow_new:
    case cxx_operator::aligned_nothrow_array_new:
        return reinterpret_cast<void *>(may_allocate_aligned);
    default:
        return reinterpret_cast<void *>(give_back);
    }
}

void *object_of(const void *address) noexcept {
    Dl_info info;
    return address != nullptr && dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

void *find_in_module(const char *name, const void *caller) noexcept {
    const char *module = name_of_object_at(caller);
    void *handle = module == nullptr ? nullptr : dlopen(module, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) return nullptr;
    void *in_module = dlsym(handle, name);
    dlclose(handle);
    // The search of a program's handle begins with the program and us.
    return object_of(in_module) == object_of(&next) ? nullptr : in_module;
}

// What callers in local scopes were given. An object may be closed and another opened in its place,
// but not without a dlopen: an entry counts while none was called since, and for the caller that
// it was made for.
struct local_operator {
    std::uint32_t generation;
    cxx_operator wanted;
    const void *caller;
    void *function;
};
struct local_place {
    std::atomic<std::uint32_t> version; // odd while the entry is written
    local_operator entry;
};
constinit local_place local_places[256] = {};
constinit std::atomic<std::uint32_t> generation_now{1};

local_place &place_of(cxx_operator wanted, const void *caller) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(caller);
    return local_places[(address ^ (address >> 8) ^ static_cast<std::size_t>(wanted)) %
                        std::size(local_places)];
}

void *known_local(cxx_operator wanted, const void *caller) noexcept {
    const local_place &place = place_of(wanted, caller);
    const std::uint32_t version = place.version.load(std::memory_order_acquire);
    const local_operator seen = place.entry;
    std::atomic_thread_fence(std::memory_order_acquire);
    const bool whole = version % 2 == 0 && version == place.version.load(std::memory_order_relaxed);
    return whole && seen.generation == generation_now.load(std::memory_order_acquire) &&
                   seen.wanted == wanted && seen.caller == caller
               ? seen.function
               : nullptr;
}

void keep_local(const local_operator &entry) noexcept {
    local_place &place = place_of(entry.wanted, entry.caller);
    std::uint32_t version = place.version.load(std::memory_order_relaxed);
    if (version % 2 != 0 ||
        !place.version.compare_exchange_strong(version, version + 1, std::memory_order_acquire))
        return;
    std::atomic_thread_fence(std::memory_order_release);
    place.entry = entry;
    place.version.store(version + 2, std::memory_order_release);
}

void *find_operator(cxx_operator wanted, const void *caller) noexcept {
    const char *name = mangled_names[static_cast<std::size_t>(wanted)];
    const std::uint32_t generation = generation_now.load(std::memory_order_acquire);
    void *found = find_next(name);
    if (found != nullptr) {
        known_operators[static_cast<std::size_t>(wanted)].store(found, std::memory_order_release);
        return found;
    }
    found = find_in_module(name, caller);
    if (found == nullptr) found = without_runtime(wanted);
    keep_local({generation, wanted, caller, found});
    return found;
}

} // namespace

void forget_local_operators() noexcept { generation_now.fetch_add(1, std::memory_order_release); }

void *look_up_operator(cxx_operator wanted, const void *caller) noexcept {
    void *resolved = known_local(wanted, caller);
    if (resolved != nullptr) return resolved;
    const kept_errno keep_errno;
    const loader_error_aside aside;
    resolved = find_operator(wanted, caller);
    return resolved;
}

bool operators_are_the_runtimes() noexcept {
    const kept_errno keep_errno;
    const loader_error_aside aside;
    const void *ours = object_of(&next);
    const void *allocator = object_of(reinterpret_cast<void *>(next.malloc));
    const void *runtime = object_of(find_next("__cxa_throw"));
    bool all = true;
    for (const char *name : mangled_names) {
        const void *first = object_of(find_definition_for_program(name));
        const void *second = object_of(find_next(name));
        all = all && (first == nullptr || first == ours) &&
              (second == nullptr || second == runtime || second == allocator);
    }
    return all;
}

} // namespace scratch::shim
