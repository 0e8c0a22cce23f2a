// Hooked functions where they are not built: there is no hook object that could call.
#include "shim/hook/counts.hpp"
#include "shim/hook/hooks.hpp"

namespace scratch::shim {

void start_hooks() noexcept {}
void forget_noting_threads() noexcept {}
void publish_hook_counts(thread_heap *) noexcept {}
std::size_t list_hooked(std::span<hook_line>) noexcept { return 0; }
void forget_hook_counts() noexcept {}

} // namespace scratch::shim
