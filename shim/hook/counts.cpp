#include "shim/hook/counts.hpp"

#include <iterator>

namespace scratch::shim {

namespace {

// Null for those that nobody named: they serve the others.
const char *name_of(hook_kind kind) noexcept {
    switch (kind) {
    case hook_kind::region:
        return "region";
    case hook_kind::trusted_region:
        return "trusted region";
    case hook_kind::frame:
        return "frame";
    case hook_kind::trusted_frame:
        return "trusted frame";
    case hook_kind::paused:
        return "except";
    default:
        return nullptr;
    }
}

hook_line line_of(const hook_entry &entry) noexcept {
    const bool instrumented = entry.kind == hook_kind::instrumented;
    const char *label = entry.text(entry.label);
    if (label == nullptr) label = entry.text(entry.name);
    return {label, name_of(instrumented ? entry.instrumented_kind : entry.kind),
            entry.calls.load(std::memory_order_relaxed)};
}

} // namespace

void place_hook_counts() noexcept {
    constexpr std::size_t places = std::size(thread_heap{}.hook_counts);
    std::size_t next = 0;
    for (hook_entry &entry : hook_entries())
        entry.count_place = static_cast<std::uint32_t>(next++ % places * sizeof(hook_count));
}

std::size_t list_hooked(std::span<hook_line> lines) noexcept {
    std::size_t count = 0;
    for (const hook_entry &entry : hook_entries()) {
        const hook_line line = line_of(entry);
        if (line.kind == nullptr || line.label == nullptr) continue;
        std::size_t at = count;
        while (at > 0 && lines[at - 1].calls < line.calls)
            --at;
        if (at == lines.size()) continue;
        if (count < lines.size()) ++count;
        for (std::size_t behind = count - 1; behind > at; --behind)
            lines[behind] = lines[behind - 1];
        lines[at] = line;
    }
    return count;
}

void publish_hook_counts(thread_heap *heap) noexcept {
    for (hook_count &count : heap->hook_counts)
        add_to_entry(count);
}

void forget_hook_counts() noexcept {
    for (hook_entry &entry : hook_entries())
        entry.calls.store(0, std::memory_order_relaxed);
}

} // namespace scratch::shim
