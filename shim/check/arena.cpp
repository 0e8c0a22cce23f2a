#include "shim/check/arena.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/pages.hpp"
#include "shim/check/lock.hpp"
#include "shim/check/options.hpp"
#include "shim/check/records.hpp"
#include "shim/observe/descriptor.hpp"

namespace scratch::shim::check {

constinit arena_words arena;

namespace {

constexpr std::size_t largest_arena = std::size_t{64} << 30;
constexpr std::size_t smallest_arena = std::size_t{64} << 20;
// Descriptions get memory behind them in such steps of the range.
constexpr std::size_t described_at_once = std::size_t{64} << 20;

struct closed_run {
    page_number first;
    page_number count;
};
constexpr std::uint32_t most_runs = 1 << 18;

struct quarantine_words {
    closed_run *ring = nullptr;
    std::uint64_t oldest = 0;
    std::uint64_t newest = 0;
    std::size_t pages = 0;
};
constinit quarantine_words quarantine;

constinit page_number page_count = 0;
constinit page_number cursor = 1;
constinit page_number highest = 1;
constinit page_number described = 0;
// Places where an accessible page and a closed one meet: the mappings that we cut the range into.
constinit std::uint32_t borders = 0;
constinit std::uint32_t most_borders = 0;

void *reserve(std::size_t size) noexcept { return pages::reserve(size, 0); }

bool describe_up_to(page_number page) noexcept {
    if (page <= described) return true;
    const auto step = static_cast<page_number>(described_at_once >> arena.page_shift);
    const page_number until = std::min(page_count, (page + step - 1) / step * step);
    const auto commit = [](void *table, std::size_t from, std::size_t to) {
        const std::size_t mask = page_bytes() - 1;
        from &= ~mask;
        to = (to + mask) & ~mask;
        return pages::commit(static_cast<char *>(table) + from, to - from);
    };
    if (!commit(arena.pages, described * sizeof(page_words), until * sizeof(page_words)) ||
        !commit(arena.states, described, until) ||
        !commit(arena.records, records_offset(described), records_offset(until)))
        return false;
    described = until;
    return true;
}

bool is_open_at(page_number page) noexcept {
    return page < described && is_accessible(state_of(page));
}

std::uint32_t borders_around(page_number first, page_number count) noexcept {
    std::uint32_t found = 0;
    for (page_number page = first; page <= first + count; ++page)
        found += is_open_at(page - 1) != is_open_at(page);
    return found;
}

void set_states(page_number first, page_number count, page_state state) noexcept {
    borders -= borders_around(first, count);
    for (page_number page = first; page < first + count; ++page)
        arena.states[page].store(state, std::memory_order_relaxed);
    borders += borders_around(first, count);
}

void *place_of(page_number page) noexcept { return reinterpret_cast<void *>(address_of(page)); }
std::size_t bytes_of(page_number count) noexcept { return std::size_t{count} << arena.page_shift; }

bool is_free(page_number page) noexcept {
    return page >= described || state_of(page) == page_state::unused ||
           state_of(page) == page_state::spare;
}

// The next `count` free pages from the cursor on, once around the range; 0: none.
page_number find_free(page_number count) noexcept {
    page_number begin = cursor;
    for (int round = 0; round < 2; ++round) {
        page_number free = 0;
        for (page_number page = begin; page < page_count; ++page) {
            free = is_free(page) ? free + 1 : 0;
            if (free == count) return page + 1 - count;
            if (round == 1 && page > cursor + count) return 0;
        }
        begin = 1;
    }
    return 0;
}

// What the pages were used for before is forgotten.
void forget(page_number first, page_number count) noexcept {
    for (page_number page = first; page < first + count; ++page) {
        page_words &words = arena.pages[page];
        words.live.store(0, std::memory_order_relaxed);
        words.in_scope = false;
        words.ended = words.run = words.link = words.back = 0;
    }
}

// Lets go of the pages of the run that were not opened again meanwhile.
void let_go_oldest() noexcept {
    const closed_run oldest = quarantine.ring[quarantine.oldest++ % most_runs];
    quarantine.pages -= oldest.count;
    for (page_number page = oldest.first; page < oldest.first + oldest.count;) {
        if (state_of(page) != page_state::closed) {
            ++page;
            continue;
        }
        page_number end = page;
        const bool held = arena.pages[page].in_scope;
        while (end < oldest.first + oldest.count && state_of(end) == page_state::closed &&
               arena.pages[end].in_scope == held)
            ++end;
        madvise(place_of(page), bytes_of(end - page), MADV_DONTNEED);
        // What is known of its blocks goes too: it takes as much memory as they did.
        clear_records(page, end - page);
        const bool joins = is_open_at(page - 1) && is_open_at(end);
        if (!held && joins && borders >= most_borders &&
            pages::commit(place_of(page), bytes_of(end - page)))
            set_states(page, end - page, page_state::spare);
        else
            set_states(page, end - page, held ? page_state::dropped : page_state::unused);
        page = end;
    }
}

bool protect(page_number first, page_number count) noexcept {
    if (pages::protect_none(place_of(first), bytes_of(count))) return true;
    // The system has no mapping left: the oldest give some back.
    for (int freed = 0; freed < 64 && quarantine.oldest != quarantine.newest; ++freed)
        let_go_oldest();
    return pages::protect_none(place_of(first), bytes_of(count));
}

void close_run(page_number first, page_number count) noexcept {
    // Said before it is so: a child that another thread forks between the two must not find pages
    // said to be open that are not.
    set_states(first, count, page_state::closed);
    if (!protect(first, count)) return set_states(first, count, page_state::open);
    quarantine.ring[quarantine.newest++ % most_runs] = {first, count};
    quarantine.pages += count;
    while (quarantine.oldest != quarantine.newest &&
           (bytes_of(static_cast<page_number>(quarantine.pages)) > asked.quarantine ||
            borders > most_borders || quarantine.newest - quarantine.oldest >= most_runs))
        let_go_oldest();
}

std::uint32_t system_limit() noexcept {
    char text[32];
    const int file = open_to_read("/proc/sys/vm/max_map_count");
    const long size = file < 0 ? 0 : read_start(file, text, sizeof text);
    if (file >= 0) close_descriptor(file);
    std::uint32_t limit = 0;
    for (long i = 0; i < size && text[i] >= '0' && text[i] <= '9'; ++i)
        limit = limit * 10 + static_cast<std::uint32_t>(text[i] - '0');
    return limit != 0 ? limit : 65530;
}

bool reserve_tables(std::size_t size) noexcept {
    const std::size_t pages_in_it = size >> arena.page_shift;
    void *range = reserve(size);
    if (range == nullptr) return false;
    void *words = reserve(pages_in_it * sizeof(page_words));
    void *states = reserve(pages_in_it);
    void *records = reserve(records_offset(static_cast<page_number>(pages_in_it)));
    void *ring = mmap(nullptr, most_runs * sizeof(closed_run), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (words == nullptr || states == nullptr || records == nullptr || ring == MAP_FAILED)
        return false;
    arena.base = reinterpret_cast<std::uintptr_t>(range);
    arena.pages = static_cast<page_words *>(words);
    arena.states = static_cast<std::atomic<page_state> *>(states);
    arena.records = static_cast<char *>(records);
    quarantine.ring = static_cast<closed_run *>(ring);
    page_count = static_cast<page_number>(pages_in_it);
    arena.size = size;
    return true;
}

} // namespace

bool open_arena() noexcept {
    arena.page_shift = static_cast<std::uint32_t>(std::countr_zero(pages::page_size()));
    // With what describes it, a limited address space is used to an eighth.
    std::size_t size = std::min(largest_arena, std::bit_floor(pages::address_space_limit() / 16));
    while (size >= smallest_arena && !reserve_tables(size))
        size /= 2;
    if (arena.size == 0 || !describe_up_to(2)) return false;
    // Neighbours that were touched at different times stay two mappings now and then (measured: a
    // tenth more mappings than borders).
    const std::uint32_t mappings = asked.mappings != 0 ? asked.mappings : system_limit() / 2;
    most_borders = mappings - mappings / 8;
    return true;
}

page_number take_pages(page_number count, page_number guards) noexcept {
    const locked here(guarded::pages);
    if (borders >= most_borders) guards = 0;
    const page_number whole = count + guards;
    if (count == 0 || whole < count || whole >= page_count) return 0;
    const page_number first = find_free(whole);
    if (first == 0 || !describe_up_to(first + whole + 1)) return 0;
    if (!pages::commit(place_of(first), bytes_of(count))) return 0;
    forget(first, whole);
    for (page_number page = first + count; page < first + whole; ++page)
        if (state_of(page) == page_state::spare) pages::protect_none(place_of(page), bytes_of(1));
    set_states(first, count, page_state::open);
    set_states(first + count, guards, page_state::guard);
    arena.pages[first].run = whole;
    cursor = first + whole;
    highest = std::max(highest, cursor);
    return first;
}

void close_pages(page_number first, page_number count) noexcept {
    const locked here(guarded::pages);
    const page_number end = first + count;
    const auto stays = [](page_number page) {
        return state_of(page) != page_state::open && state_of(page) != page_state::guard;
    };
    for (page_number page = first; page < end;) {
        if (stays(page)) {
            ++page;
            continue;
        }
        const page_number begin = page;
        while (page < end && !stays(page))
            ++page;
        close_run(begin, page - begin);
    }
}

void hold_for_scope(page_number first, page_number count, bool hold) noexcept {
    const locked here(guarded::pages);
    for (page_number page = first; page < first + count; ++page) {
        arena.pages[page].in_scope = hold;
        if (!hold && state_of(page) == page_state::dropped)
            arena.states[page].store(page_state::unused, std::memory_order_relaxed);
    }
}

void reopen_pages(page_number first, page_number count) noexcept {
    const locked here(guarded::pages);
    for (page_number page = first; page < first + count; ++page)
        if (!is_accessible(state_of(page)) && pages::commit(place_of(page), bytes_of(1)))
            set_states(page, 1, page_state::reopened);
}

bool has_mappings_left() noexcept { return borders < most_borders / 2; }

page_number highest_page() noexcept { return highest; }

} // namespace scratch::shim::check
