#include "core/address_sanitizer.hpp"

extern "C" {
__attribute__((weak)) void __asan_poison_memory_region(const volatile void *start,
                                                       std::size_t size);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void *start,
                                                         std::size_t size);
}

namespace scratch::checks {

address_sanitizer find_address_sanitizer() noexcept {
    if (__asan_poison_memory_region == nullptr || __asan_unpoison_memory_region == nullptr)
        return {nullptr, nullptr};
    return {__asan_poison_memory_region, __asan_unpoison_memory_region};
}

} // namespace scratch::checks
