#include "core/checks.hpp"

#include "core/address_sanitizer.hpp"
#include "core/kept_errno.hpp"

#include <cerrno>
#include <cstdlib>

#include <unistd.h>

#ifdef SCRATCH_HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

namespace scratch::checks {
namespace {

#ifdef SCRATCH_HAVE_VALGRIND
bool under_valgrind() noexcept { return RUNNING_ON_VALGRIND != 0; }
#else
bool under_valgrind() noexcept { return false; }
#endif

bool under_address_sanitizer() noexcept { return find_address_sanitizer().poison != nullptr; }

void *pointer(std::uintptr_t address) noexcept { return reinterpret_cast<void *>(address); }

void poison(std::uintptr_t start, std::size_t size) noexcept {
    if (const range_function tell = find_address_sanitizer().poison) tell(pointer(start), size);
}

void unpoison(std::uintptr_t start, std::size_t size) noexcept {
    if (const range_function tell = find_address_sanitizer().unpoison) tell(pointer(start), size);
}

} // namespace

bool watched() noexcept { return under_address_sanitizer() || under_valgrind(); }

void stack_made([[maybe_unused]] const void *pool) noexcept {
#ifdef SCRATCH_HAVE_VALGRIND
    VALGRIND_CREATE_MEMPOOL(pool, watched_redzone, 0);
#endif
}

void stack_ended([[maybe_unused]] const void *pool) noexcept {
#ifdef SCRATCH_HAVE_VALGRIND
    VALGRIND_DESTROY_MEMPOOL(pool);
#endif
}

void forbid(std::uintptr_t start, std::size_t size) noexcept {
    if (size == 0) return;
    poison(start, size);
#ifdef SCRATCH_HAVE_VALGRIND
    VALGRIND_MAKE_MEM_NOACCESS(pointer(start), size);
#endif
}

void allow(std::uintptr_t start, std::size_t size) noexcept {
    if (size == 0) return;
    unpoison(start, size);
#ifdef SCRATCH_HAVE_VALGRIND
    VALGRIND_MAKE_MEM_UNDEFINED(pointer(start), size);
#endif
}

void allow_block([[maybe_unused]] const void *pool, std::uintptr_t start,
                 std::size_t size) noexcept {
    unpoison(start, size);
#ifdef SCRATCH_HAVE_VALGRIND
    VALGRIND_MEMPOOL_ALLOC(pool, pointer(start), size);
#endif
}

void forget_blocks_above([[maybe_unused]] const void *pool, [[maybe_unused]] std::uintptr_t base,
                         [[maybe_unused]] std::uintptr_t top) noexcept {
#ifdef SCRATCH_HAVE_VALGRIND
    VALGRIND_MEMPOOL_TRIM(pool, pointer(base), top - base);
#endif
}

message &message::text(const char *words) noexcept {
    while (*words != '\0' && length_ < sizeof line_ - 1)
        line_[length_++] = *words++;
    return *this;
}

message &message::quoted(const char *words) noexcept { return text("'").text(words).text("'"); }

message &message::number(std::size_t value) noexcept {
    char digits[24];
    std::size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return text(digits + at);
}

void message::write() noexcept {
    const kept_errno keep;
    line_[length_] = '\n';
    for (std::size_t written = 0; written <= length_;) {
        const ssize_t now = ::write(STDERR_FILENO, line_ + written, length_ + 1 - written);
        if (now < 0 && errno == EINTR) continue;
        if (now <= 0) break;
        written += static_cast<std::size_t>(now);
    }
}

void message::stop() noexcept {
    write();
    std::abort();
}

} // namespace scratch::checks
