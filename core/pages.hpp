// Pages of address space: the one door to the operating system's memory calls.
//
// What POSIX has stands in pages_posix.cpp; the rest in one file for each system (pages_linux.cpp,
// pages_darwin.cpp). Every function is a thin cover of system calls: it allocates nothing, takes no
// lock and may be called from a signal handler, before constructors and after destructors.
// Addresses and sizes are multiples of page_size() unless said otherwise. A call that succeeds
// leaves errno as it was.
#pragma once

#include <cstddef>

namespace scratch::pages {

/// Bytes in a page of this machine.
std::size_t page_size() noexcept;

/// The most bytes of address space that this process may map; SIZE_MAX where nothing limits it.
std::size_t address_space_limit() noexcept;

// Addresses.

/// Takes `size` bytes of addresses with no memory behind them; touching them faults.
/// `alignment` is a power of two; one below the page size means the page size.
/// Null with errno (ENOMEM, or EINVAL for a size of 0 or one that alignment makes wrap) on failure.
void *reserve(std::size_t size, std::size_t alignment) noexcept;

/// Takes the `size` bytes of addresses at `address`, for a range that grows. False, and nothing
/// changed, where any of them is taken already (errno EEXIST) or the system refuses.
bool reserve_at(void *address, std::size_t size) noexcept;

/// Gives addresses and the memory behind them back to the system.
void release(void *address, std::size_t size) noexcept;

// Memory behind addresses.

/// Makes reserved addresses readable and writable; memory never touched before reads as zero.
/// False with errno ENOMEM on failure; what was committed before stays so.
bool commit(void *address, std::size_t size) noexcept;

/// Gives memory back and keeps the addresses committed: they read as zero afterwards. False, and
/// the contents kept, where the system refuses (locked pages).
bool decommit(void *address, std::size_t size) noexcept;

/// Makes addresses fault on every access. The memory behind them is kept.
bool protect_none(void *address, std::size_t size) noexcept;

// Advice: true where the system took it; where it did not, nothing else changed.

/// Asks for huge pages.
bool advise_huge(void *address, std::size_t size) noexcept;

/// Puts zeroed memory behind committed addresses now, in one call instead of a fault for each page.
bool populate(void *address, std::size_t size) noexcept;

/// Makes committed pages read as zero in a child made by fork (not by vfork). True means promised.
bool wipe_on_fork(void *address, std::size_t size) noexcept;

} // namespace scratch::pages
