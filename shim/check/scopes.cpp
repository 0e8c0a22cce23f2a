// The ends of scopes, and of the process.

#include "shim/check/blocks.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/kept_errno.hpp"
#include "shim/check/options.hpp"
#include "shim/check/places.hpp"
#include "shim/check/report.hpp"
#include "shim/heap/inside.hpp"
#include "shim/heap/thread_heap.hpp"

namespace scratch::shim::check {

namespace {

// --- names ---------------------------------------------------------------------------------------

struct named {
    std::atomic<std::uint64_t> hash;
    char text[56];
};
constexpr std::size_t most_names = 256;
constinit std::array<named, most_names> names = {};

// --- what survived, by place of allocation and scope ---------------------------------------------

struct survivors {
    std::atomic<std::uint64_t> key; // of the scope's end (0: none) and the allocation
    std::atomic<std::uint64_t> blocks;
    std::atomic<std::uint64_t> bytes;
};
constexpr std::size_t most_places = 2048;
constinit std::array<survivors, most_places> escaped = {};
constinit std::array<survivors, most_places> leaked = {};
// More than so many would hide the first ones.
constexpr std::size_t most_told = 20;

void count(std::array<survivors, most_places> &in, trace_id ended, const record &block) noexcept {
    const std::uint64_t key = std::uint64_t{ended} << 32 | block.allocated;
    if (key == 0) return;
    for (std::size_t step = 0; step < most_places; ++step) {
        survivors &at = in[((key * 0x9e3779b97f4a7c15 >> 40) + step) & (most_places - 1)];
        std::uint64_t seen = 0;
        if (!at.key.compare_exchange_strong(seen, key, std::memory_order_relaxed) && seen != key)
            continue;
        at.blocks.fetch_add(1, std::memory_order_relaxed);
        at.bytes.fetch_add(block.size, std::memory_order_relaxed);
        return;
    }
}

void tell_survivors(std::array<survivors, most_places> &of, defect kind) noexcept {
    for (std::size_t told = 0; told < most_told; ++told) {
        auto most = std::max_element(of.begin(), of.end(), [](const auto &a, const auto &b) {
            return a.bytes.load(std::memory_order_relaxed) <
                   b.bytes.load(std::memory_order_relaxed);
        });
        const std::uint64_t key = most->key.load(std::memory_order_relaxed);
        const std::uint64_t blocks = most->blocks.exchange(0, std::memory_order_relaxed);
        const std::uint64_t bytes = most->bytes.exchange(0, std::memory_order_relaxed);
        most->key.store(0, std::memory_order_relaxed);
        if (blocks == 0) continue;
        backtrace from;
        if (const kept_trace *kept = trace_at(static_cast<trace_id>(key))) {
            from.depth = kept->depth;
            std::memcpy(from.frames, kept->frames, kept->depth * sizeof(std::uintptr_t));
        }
        tell({.kind = kind,
              .what = "",
              .place = &from,
              .where = "allocated here",
              .ended = static_cast<trace_id>(key >> 32),
              .blocks = blocks,
              .bytes = bytes});
    }
}

// --- looking at blocks ---------------------------------------------------------------------------

void examine_live(const record &block, const backtrace &here, const char *where) noexcept {
    if (const std::uintptr_t at = damaged_at(block))
        tell({.kind = defect::overflow,
              .what = "write",
              .address = at,
              .block = &block,
              .place = &here,
              .where = where});
}

page_number last_page_of(const record &block) noexcept {
    return page_of(payload_of(block) + block.size + slack_of(block) - 1);
}

// The pages of a block from `first` on, kept open while it lives; false where one of them is being
// closed by another thread.
class held_pages {
public:
    held_pages(const record &block, page_number first) noexcept
        : first_(first), end_(first), last_(last_page_of(block)) {
        while (end_ <= last_ && hold_page(end_))
            ++end_;
    }
    ~held_pages() {
        while (end_ > first_)
            let_go_of_page(--end_);
    }
    held_pages(const held_pages &) = delete;
    held_pages &operator=(const held_pages &) = delete;

    explicit operator bool() const noexcept { return end_ > last_; }

private:
    page_number first_;
    page_number end_;
    page_number last_;
};

bool is_readable(const record &block) noexcept {
    for (page_number page = page_of(payload_of(block)); page <= last_page_of(block); ++page)
        if (state_of(page) != page_state::open) return false;
    return true;
}

void examine_freed(const record &block, const backtrace &here, const char *where) noexcept {
    if (block.sum != 0 && is_readable(block) && sum_of_contents(block) != block.sum)
        tell({.kind = defect::use_after_free,
              .what = "write, between the free and now,",
              .address = payload_of(block),
              .block = &block,
              .place = &here,
              .where = where});
}

void examine(const record &block, const backtrace &here, const char *where) noexcept {
    const block_life life = block.life.load(std::memory_order_acquire);
    if (life == block_life::live && is_readable(block)) examine_live(block, here, where);
    if (life == block_life::freed) examine_freed(block, here, where);
}

void close_scope(places &at, std::uint32_t scope, trace_id ended, const backtrace &here) noexcept {
    drain_runs(at, scope, [&](page_number first, page_number pages) {
        for_each_block(first, pages, [&](record &block) {
            examine(block, here, "found here, when the scope ended");
            if (block.life.load(std::memory_order_acquire) == block_life::live)
                count(escaped, ended, block);
        });
        for (page_number page = first; page < first + pages; ++page)
            arena.pages[page].ended = ended;
        close_pages(first, pages);
        hold_for_scope(first, pages, false);
    });
}

// Whoever has what lives on: the nearest trusted region around.
std::uint32_t heir_of(const thread_heap *heap) noexcept {
    std::uint32_t depth = heap->regions.depth - 1;
    if (heap->regions.open[depth].detached) return 0;
    while (depth != 0 && !heap->regions.open[depth - 1].trusted)
        --depth;
    return depth;
}

} // namespace

void note_scope_name(std::uint64_t hash, const char *text) noexcept {
    if (text == nullptr) return;
    for (std::size_t step = 0; step < most_names; ++step) {
        named &at = names[(hash + step) % most_names];
        std::uint64_t seen = 0;
        if (at.hash.load(std::memory_order_relaxed) == hash) return;
        if (!at.hash.compare_exchange_strong(seen, hash, std::memory_order_acq_rel)) continue;
        std::strncpy(at.text, text, sizeof(at.text) - 1);
        return;
    }
}

const char *scope_name(std::uint64_t hash) noexcept {
    for (std::size_t step = 0; step < most_names; ++step) {
        const named &at = names[(hash + step) % most_names];
        if (at.hash.load(std::memory_order_acquire) == hash) return at.text;
    }
    return "";
}

void begin_scope(thread_heap *heap) noexcept { own_places(heap).runs[heap->regions.depth] = 0; }

void end_scope(thread_heap *heap, bool trusted) noexcept {
    const std::uint32_t scope = heap->regions.depth;
    const region &ended = heap->regions.open[scope - 1];
    if (!ended.trusted) return;
    places &at = own_places(heap);
    if (at.scope == scope) {
        finish_segment(at);
        at.scope = 0;
    }
    if (at.runs[scope] == 0) return;
    if (!trusted) {
        const std::uint32_t heir = heir_of(heap);
        drain_runs(at, scope, [&](page_number first, page_number pages) {
            if (heir != 0)
                link_run(at, heir, first);
            else
                hold_for_scope(first, pages, false);
        });
        return;
    }
    backtrace here;
    take_backtrace(here);
    close_scope(at, scope, keep(here, ended.name), here);
}

void examine_before_close(page_number first, page_number pages) noexcept {
    backtrace here;
    here.depth = 0;
    for_each_block(first, pages, [&](record &block) {
        if (block.sum == 0) return;
        const held_pages beyond(block, first + pages);
        if (!beyond || !is_readable(block) || sum_of_contents(block) == block.sum) return;
        if (here.depth == 0) take_backtrace(here);
        examine_freed(block, here, "found here, when its page was closed");
    });
}

void examine_all() noexcept {
    const kept_errno keep_errno;
    const inside busy;
    if (!busy) return;
    backtrace here;
    take_backtrace(here);
    for (page_number page = 1; page < highest_page(); ++page) {
        if (state_of(page) != page_state::open) continue;
        for_each_block(page, 1, [&](record &block) {
            // Other threads may go on.
            if (const held_pages all(block, page); all) examine(block, here, "found here, at exit");
            const bool lives = block.life.load(std::memory_order_acquire) == block_life::live;
            // What came before backtraces is the runtime's.
            const kept_trace *from = trace_at(block.allocated);
            if (asked.leaks && lives && from != nullptr && from->depth != 0)
                count(leaked, 0, block);
        });
    }
    if (asked.escapes) tell_survivors(escaped, defect::escape);
    if (asked.leaks) tell_survivors(leaked, defect::leak);
}

} // namespace scratch::shim::check
