// The malloc family but for malloc and free themselves, which are routed by entries.hpp. The
// exports call these
// (`__libc_malloc` and its kin too: through the exported names they would reach a program that has
// its own).
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/route/origin.hpp"

namespace scratch::shim {

void *allocate(std::size_t size, origin from) noexcept;
void *reallocate(void *payload, std::size_t size, origin from) noexcept;
void *allocate_zeroed(std::size_t count, std::size_t size, origin from) noexcept;
// Null: go to `next`.
void *push_zeroed_if_tagged(std::size_t count, std::size_t size, origin from) noexcept;
void *reallocate_array(void *payload, std::size_t count, std::size_t size, origin from) noexcept;
int allocate_posix_aligned(void **result, std::size_t alignment, std::size_t size,
                           origin from) noexcept;
void *allocate_aligned(std::size_t alignment, std::size_t size, origin from) noexcept;
void *allocate_memalign(std::size_t alignment, std::size_t size, origin from) noexcept;
void *allocate_pages(std::size_t size, origin from) noexcept;
void *allocate_whole_pages(std::size_t size, origin from) noexcept;
std::size_t usable_size_of(void *payload) noexcept;
// strdup and its kin. What is not tagged goes to libc's, which calls the malloc that comes first in
// the program: its own, where it has one.
char *duplicate(const char *text, origin from) noexcept;
char *duplicate(const char *text, std::size_t most, origin from) noexcept;
wchar_t *duplicate(const wchar_t *text, origin from) noexcept;
void free_any(void *payload) noexcept;
bool release_if_ours(void *payload) noexcept;

} // namespace scratch::shim
