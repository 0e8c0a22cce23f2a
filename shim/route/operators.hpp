// What the exported C++ operators do. An untagged call is the last thing that its export does, so
// that the next operator's exception meets one frame of ours, which holds nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "shim/heap/thread_heap.hpp"
#include "shim/next/operators.hpp"
#include "shim/route/route.hpp"

namespace scratch::shim {

template <cxx_operator wanted, typename... Tag>
[[gnu::always_inline]] inline void *new_block(origin from, std::size_t size, const Tag &...tag) {
    if (entries.routing && operators_are_routed())
        if (void *pushed = push_if_tagged(size, 1, from)) return pushed;
    using function = void *(*)(std::size_t, const Tag &...);
    return reinterpret_cast<function>(next_operator(wanted, reinterpret_cast<void *>(from.caller)))(
        size, tag...);
}

template <cxx_operator wanted, typename... Tag>
[[gnu::always_inline]] inline void *new_aligned(origin from, std::size_t size,
                                                std::align_val_t alignment, const Tag &...tag) {
    if (entries.routing && operators_are_routed())
        if (void *pushed = push_if_tagged(size, static_cast<std::size_t>(alignment), from))
            return pushed;
    using function = void *(*)(std::size_t, std::align_val_t, const Tag &...);
    return reinterpret_cast<function>(next_operator(wanted, reinterpret_cast<void *>(from.caller)))(
        size, alignment, tag...);
}

// Each argument is passed as the operator takes it: the tag by reference, sizes and alignments by
// value.
template <typename T>
struct as_passed {
    using type = T;
};
template <>
struct as_passed<std::nothrow_t> {
    using type = const std::nothrow_t &;
};

// Whether a block of ours came from one of these operators. Else from the malloc beneath an
// operator of the program's or of a library, which may have put something of its own before it, and
// wants it back.
inline bool was_made_by_operator(void *payload) noexcept {
    return is_live(without_remote_bit(block_of(payload)->state)) && operators_are_routed();
}

// The last thing that the exported operator does, as a jump: a plugin's own operators may jump on
// to others, and are told apart by who called. So nothing here has an address on the stack.
template <cxx_operator wanted, typename... Arguments>
[[gnu::always_inline]] inline void delete_by_next(origin from, void *payload,
                                                  Arguments... arguments) noexcept {
    using function = void (*)(void *, Arguments...);
    return reinterpret_cast<function>(next_operator(wanted, reinterpret_cast<void *>(from.caller)))(
        payload, arguments...);
}

// Out of line, so that a delete of what is not ours saves no registers for it.
template <cxx_operator wanted, typename... Arguments>
[[gnu::noinline]] void delete_ours(origin from, void *payload, Arguments... arguments) noexcept {
    if (was_made_by_operator(payload)) return release(payload);
    delete_by_next<wanted, Arguments...>(from, payload, arguments...);
}

template <cxx_operator wanted, typename... Arguments>
[[gnu::always_inline]] inline void delete_block_as(origin from, void *payload,
                                                   Arguments... arguments) noexcept {
    if (is_ours(payload)) [[unlikely]]
        return delete_ours<wanted, Arguments...>(from, payload, arguments...);
    if (payload == nullptr) return;
    delete_by_next<wanted, Arguments...>(from, payload, arguments...);
}

template <cxx_operator wanted, typename... Arguments>
[[gnu::always_inline]] inline void delete_block(origin from, void *payload,
                                                const Arguments &...arguments) noexcept {
    delete_block_as<wanted, typename as_passed<Arguments>::type...>(from, payload, arguments...);
}

} // namespace scratch::shim
