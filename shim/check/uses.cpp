#include "shim/check/uses.hpp"

namespace scratch::shim::check {

namespace {

bool judge(const use &of, const record *block, page_number page, defect &kind) noexcept {
    const trace_id ended =
        block != nullptr ? arena.pages[page_of(payload_of(*block))].ended : arena.pages[page].ended;
    if (block == nullptr) {
        // Out of the quarantine, where only the pages are known.
        kind = ended != 0 ? defect::use_after_scope : defect::use_after_free;
        return true;
    }
    if (block->life.load(std::memory_order_acquire) == block_life::freed)
        kind = defect::use_after_free;
    else if (ended != 0)
        kind = defect::use_after_scope;
    else
        kind = defect::overflow;
    const std::uintptr_t end = payload_of(*block) + block->size;
    return kind != defect::overflow || of.address >= end;
}

} // namespace

bool is_closed(std::uintptr_t address) noexcept {
    if (!in_arena(reinterpret_cast<const void *>(address))) return false;
    const page_number page = page_of(address);
    return page != 0 && page < highest_page() && !is_accessible(state_of(page));
}

bool tell_use(const use &of) noexcept {
    const page_number page = page_of(of.address);
    const record *block = find_around(of.address);
    defect kind;
    if (!judge(of, block, page, kind)) return false;
    tell({.kind = of.by_system ? defect::efault : kind,
          .what = of.what,
          .address = of.address,
          .block = block,
          .place = of.place});
    // All that the block has, so that going on over it is one report.
    const bool inside = block != nullptr && of.address - payload_of(*block) < block->size;
    const page_number first = inside ? page_of(payload_of(*block)) : page;
    const page_number last = inside ? page_of(payload_of(*block) + block->size - 1) : page;
    reopen_pages(first, last - first + 1);
    return true;
}

} // namespace scratch::shim::check
