// Which bytes of a caller's stack may be read in search of arguments. Its frame may be the
// outermost on a coroutine's stack, with nothing readable above.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/heap/thread_heap.hpp"

namespace scratch::shim {

// Pages are no smaller than this on any system.
inline constexpr std::uintptr_t smallest_page = 4096;

// `stack_pointer` is the address of the call's return address, whose page is readable: so are the
// bytes that end on it.
[[gnu::always_inline]] inline bool are_arguments_on_page(std::uintptr_t stack_pointer,
                                                         std::size_t size) noexcept {
    const std::uintptr_t last = stack_pointer + sizeof(std::uintptr_t) + size - 1;
    return (stack_pointer ^ last) < smallest_page;
}

[[gnu::always_inline]] inline bool are_arguments_readable(std::uintptr_t stack_pointer,
                                                          std::size_t size) noexcept {
    const std::uintptr_t last = stack_pointer + sizeof(std::uintptr_t) + size - 1;
    return are_arguments_on_page(stack_pointer, size) ||
           (stack_pointer >= this_thread.readable_begin && last < this_thread.readable_end);
}

// How much of `size` bytes behind the return address can be read: a multiple of 16. Asks the
// kernel, and remembers the answer for this thread. Under the inside word.
std::size_t readable_arguments(std::uintptr_t stack_pointer, std::size_t size) noexcept;

} // namespace scratch::shim
