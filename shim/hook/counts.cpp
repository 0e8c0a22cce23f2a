#include "shim/hook/counts.hpp"

namespace scratch::shim {

void publish_hook_counts(thread_heap *heap) noexcept {
    for (hook_count &count : heap->hook_counts)
        add_to_entry(count);
}

void forget_hook_counts() noexcept {
    for (hook_entry &entry : hook_entries())
        entry.calls.store(0, std::memory_order_relaxed);
}

} // namespace scratch::shim
