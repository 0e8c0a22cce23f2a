#include "shim/heap/fatal.hpp"

#include <cstdlib>

#include "shim/heap/chunks.hpp"
#include "shim/observe/log.hpp"
#include "shim/observe/plain_text.hpp"

namespace scratch::shim {

namespace {

// A wrong pointer is seen here by chance, and says little of where it came from.
#ifdef __APPLE__
constexpr const char *tells_more = "";
#else
constexpr const char *tells_more = "; run with `scratch check` to be told where";
#endif

// The block in whose header or payload an address lies, found from the chunk's beginning; null if
// none.
block *block_around(const void *address) noexcept {
    const chunk &home = *chunk_of(address);
    if (home.use != chunk_use::open && home.use != chunk_use::retired) return nullptr;
    const auto contains = [&](block &at) { return address < above_in(home, at); };
    return walk_blocks(home, home.limit(), contains).found;
}

void tell(void *payload) noexcept {
    block *freed = block_of(payload);
    block *around = block_around(freed);
    const auto state = static_cast<std::uint32_t>(freed->state);
    const bool freed_by_another = reinterpret_cast<std::uintptr_t>(freed) % sizeof(block) == 0 &&
                                  (state & freed_remotely) != 0 &&
                                  is_live(static_cast<block_state>(state & ~freed_remotely));
    if (freed_by_another || (around == freed && freed->state == block_state::freed)) {
        const std::uint32_t bytes = payload_size_in(*chunk_of(freed), *freed);
        log_raw("free(): double free of %p: a block of %u byte%s that was freed before%s", payload,
                bytes, plural(bytes), tells_more);
        return;
    }
    if (around == nullptr) {
        log_raw(
            "free(): invalid pointer %p: it lies in scratch memory, but no block begins there%s",
            payload, tells_more);
        return;
    }
    const auto offset = reinterpret_cast<std::uintptr_t>(payload) -
                        reinterpret_cast<std::uintptr_t>(around->payload());
    const std::uint32_t bytes = payload_size_in(*chunk_of(around), *around);
    log_raw("free(): invalid pointer %p: %lu byte%s inside a %s block of %u byte%s at %p%s",
            payload, static_cast<unsigned long>(offset), plural(offset),
            is_live(around->state) ? "live" : "freed", bytes, plural(bytes), around->payload(),
            tells_more);
}

} // namespace

void check_freeable(block *freed) noexcept {
    if (reinterpret_cast<std::uintptr_t>(freed) % sizeof(block) != 0 || !is_live(freed->state) ||
        chunk_of(freed)->owner == nullptr)
        refuse_to_free(freed->payload());
}

void refuse_to_free(void *payload) noexcept {
    tell(payload);
    std::abort();
}

void refuse_to_go_on(void *payload) noexcept {
    log_raw("free(): corrupted memory before %p: the header of a block was overwritten%s", payload,
            tells_more);
    std::abort();
}

} // namespace scratch::shim
