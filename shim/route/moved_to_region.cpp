#include "shim/route/moved_to_region.hpp"

#include <cstring>

#include "shim/heap/thread_heap.hpp"
#include "shim/route/entries.hpp"
#include "shim/route/malloc_family.hpp"
#include "shim/route/route.hpp"

namespace scratch::shim {

char *move_to_region(char *made, std::size_t size, origin from) noexcept {
    if (!entries.routing || is_ours(made)) return made;
    void *pushed = push_in_region(size, 1, from);
    if (pushed == nullptr) return made;
    std::memcpy(pushed, made, size);
    free_any(made);
    return static_cast<char *>(pushed);
}

char *move_text_to_region(char *made, origin from) noexcept {
    return made == nullptr ? nullptr : move_to_region(made, std::strlen(made) + 1, from);
}

} // namespace scratch::shim
