#include "shim/hook/arguments.hpp"

#include "core/kept_errno.hpp"
#include "shim/heap/readable.hpp"

namespace scratch::shim {

namespace {

// So many pages between two readable parts are asked for at once, to make one of them.
constexpr std::uintptr_t widest_gap = 64 * smallest_page;

// The first page from `begin` on that is not readable, or `end`.
std::uintptr_t first_unreadable(std::uintptr_t begin, std::uintptr_t end) noexcept {
    while (begin < end && is_readable(begin))
        begin += smallest_page;
    return begin;
}

void remember(std::uintptr_t begin, std::uintptr_t end) noexcept {
    std::uintptr_t &known_begin = this_thread.readable_begin;
    std::uintptr_t &known_end = this_thread.readable_end;
    const bool below = end <= known_begin && known_begin - end <= widest_gap &&
                       first_unreadable(end, known_begin) == known_begin;
    const bool above = begin >= known_end && begin - known_end <= widest_gap &&
                       first_unreadable(known_end, begin) == begin;
    const bool overlaps = begin < known_end && end > known_begin;
    if (!below && !above && !overlaps) {
        known_begin = begin;
        known_end = end;
        return;
    }
    if (begin < known_begin) known_begin = begin;
    if (end > known_end) known_end = end;
}

} // namespace

std::size_t readable_arguments(std::uintptr_t stack_pointer, std::size_t size) noexcept {
    if (are_arguments_readable(stack_pointer, size)) return size;
    const kept_errno keep_errno;
    const std::uintptr_t first = stack_pointer + sizeof(std::uintptr_t);
    const std::uintptr_t own_page = stack_pointer & ~(smallest_page - 1);
    const std::uintptr_t end = (first + size + smallest_page - 1) & ~(smallest_page - 1);
    const std::uintptr_t readable_end = first_unreadable(own_page + smallest_page, end);
    remember(own_page, readable_end);
    return readable_end >= first + size ? size : readable_end - first;
}

} // namespace scratch::shim
