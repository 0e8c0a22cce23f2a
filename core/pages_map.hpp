// What the files behind pages.hpp share. For nobody else.
#pragma once

#include <cstddef>

namespace scratch::pages {

// mmap of private memory with no file and no promise of swap, as each system asks for it.
// MAP_FAILED with errno on failure.
void *map(void *address, std::size_t size, int protection, int flags) noexcept;

} // namespace scratch::pages
