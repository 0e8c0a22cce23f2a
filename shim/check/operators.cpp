// The C++ operators of mode check. Where the program has operators of its own, all of them pass
// through, and its blocks are checked as those of the malloc beneath.

#include <cstdint>
#include <new>

#include "shim/check/blocks.hpp"
#include "shim/check/family.hpp"
#include "shim/next/operators.hpp"
#include "shim/route/route.hpp"

extern "C" void free(void *) noexcept;

namespace scratch::shim::check {

namespace {

constexpr std::size_t index_of(cxx_operator wanted) noexcept {
    return static_cast<std::size_t>(wanted);
}

constexpr bool is_array(cxx_operator wanted) noexcept {
    switch (wanted) {
    case cxx_operator::array_new:
    case cxx_operator::nothrow_array_new:
    case cxx_operator::aligned_array_new:
    case cxx_operator::aligned_nothrow_array_new:
    case cxx_operator::array_delete:
    case cxx_operator::sized_array_delete:
    case cxx_operator::nothrow_array_delete:
    case cxx_operator::aligned_array_delete:
    case cxx_operator::sized_aligned_array_delete:
    case cxx_operator::aligned_nothrow_array_delete:
        return true;
    default:
        return false;
    }
}

// What the shim would call without us; ours stays where it is looked for.
void *passed_on(cxx_operator wanted, const void *caller) noexcept {
    std::atomic<void *> &known = known_operators[index_of(wanted)];
    void *ours = known.exchange(nullptr, std::memory_order_relaxed);
    void *found = look_up_operator(wanted, caller);
    if (ours != nullptr) known.store(ours, std::memory_order_relaxed);
    return found;
}

struct arguments_of_new {
    std::size_t alignment = 16;
    void add(std::align_val_t wanted) noexcept {
        const auto asked = static_cast<std::size_t>(wanted);
        alignment = asked > 16 ? asked : 16;
    }
    void add(const std::nothrow_t &) noexcept {}
};

template <cxx_operator wanted, typename... Rest>
void *checked_new(std::size_t size, Rest... rest) {
    if (operators_are_routed()) {
        arguments_of_new more;
        (more.add(rest), ...);
        const maker by = is_array(wanted) ? maker::array_new : maker::scalar_new;
        if (void *made = allocate_block({.size = size, .alignment = more.alignment, .by = by}))
            return made;
    }
    using function = void *(*)(std::size_t, Rest...);
    return reinterpret_cast<function>(passed_on(wanted, __builtin_return_address(0)))(size,
                                                                                      rest...);
}

struct arguments_of_delete {
    freeing how;
    void add(std::size_t size) noexcept {
        how.sized = true;
        how.size = size;
    }
    void add(std::align_val_t) noexcept {}
    void add(const std::nothrow_t &) noexcept {}
};

template <cxx_operator wanted, typename... Rest>
void checked_delete(void *payload, Rest... rest) {
    if (payload == nullptr) return;
    if (operators_are_routed()) {
        arguments_of_delete more;
        (more.add(rest), ...);
        more.how.by = is_array(wanted) ? freer::array_delete : freer::scalar_delete;
        if (free_block(payload, more.how)) return;
    }
    using function = void (*)(void *, Rest...);
    reinterpret_cast<function>(passed_on(wanted, __builtin_return_address(0)))(payload, rest...);
}

template <cxx_operator wanted, typename... Rest>
void *choose(void *(*)(std::size_t, Rest...)) noexcept {
    return reinterpret_cast<void *>(checked_new<wanted, Rest...>);
}
template <cxx_operator wanted, typename... Rest>
void *choose(void (*)(void *, Rest...)) noexcept {
    return reinterpret_cast<void *>(checked_delete<wanted, Rest...>);
}

} // namespace

void take_over_operators() noexcept {
#define SCRATCH_TAKE(name, mangled, result, parameters)                                            \
    known_operators[index_of(cxx_operator::name)].store(                                           \
        choose<cxx_operator::name>(static_cast<result(*) parameters>(nullptr)),                    \
        std::memory_order_relaxed);
    SCRATCH_OPERATORS(SCRATCH_TAKE)
#undef SCRATCH_TAKE
}

} // namespace scratch::shim::check
