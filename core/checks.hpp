// What memory checkers and checked stacks are told, and how a broken rule is reported.
//
// AddressSanitizer and Valgrind are found at run time, so a library built without them still serves
// a program that runs under them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace scratch::checks {

/// What a debug build writes over memory that was given back.
constexpr int given_back_pattern = 0xDD;

/// Kept free behind each block while a checker watches: one granule, so that every overrun by a
/// word is seen and addresses stay aligned.
constexpr std::size_t watched_redzone = 16;

/// True while AddressSanitizer or Valgrind watches this process.
bool watched() noexcept;

// Told about ranges of bytes. All do nothing where nobody watches.

void stack_made(const void *pool) noexcept;
void stack_ended(const void *pool) noexcept;
/// Nobody may touch these bytes until they are allowed.
void forbid(std::uintptr_t start, std::size_t size) noexcept;
/// Bytes may be written, and read after that.
void allow(std::uintptr_t start, std::size_t size) noexcept;
/// Like allow, for a block of the pool: reports name the push.
void allow_block(const void *pool, std::uintptr_t start, std::size_t size) noexcept;
/// All blocks of the pool outside base to top are gone.
void forget_blocks_above(const void *pool, std::uintptr_t base, std::uintptr_t top) noexcept;

/// One line for standard error, put together without allocating; cut when too long.
class message {
public:
    message &text(const char *words) noexcept;
    message &quoted(const char *words) noexcept;
    message &number(std::size_t value) noexcept;
    /// Writes the line. Keeps errno.
    void write() noexcept;
    /// Writes the line and aborts.
    [[noreturn]] void stop() noexcept;

private:
    char line_[512];
    std::size_t length_ = 0;
};

} // namespace scratch::checks
