#include "shim/lifecycle/modules.hpp"

#include <atomic>
#include <dlfcn.h>

#include "core/kept_errno.hpp"
#include "shim/next/next.hpp"
#include "shim/next/operators.hpp"
#include "shim/observe/counters.hpp"
#include "shim/route/route.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

namespace {
constinit std::atomic<bool> was_opened_for_all{false};
}

bool opened_for_all() noexcept { return was_opened_for_all.load(std::memory_order_relaxed); }

dlopen_function note_dlopen(int flags) noexcept {
    static constinit std::atomic<dlopen_function> next_dlopen{nullptr};
    dlopen_function function = next_dlopen.load(std::memory_order_relaxed);
    if (function == nullptr) {
        const kept_errno keep_errno;
        function = reinterpret_cast<dlopen_function>(find_next("dlopen"));
        next_dlopen.store(function, std::memory_order_relaxed);
    }
#ifdef RTLD_DEEPBIND
    if ((flags & RTLD_DEEPBIND) != 0 && regions_allowed()) {
        counters().stood_aside.store(static_cast<std::uint32_t>(stand_aside_reason::deepbind),
                                     std::memory_order_relaxed);
        stand_aside();
    }
#endif
    if ((flags & RTLD_GLOBAL) != 0) was_opened_for_all.store(true, std::memory_order_relaxed);
    // What is not to be loaded changes nothing; we ask so ourselves.
    if ((flags & RTLD_NOLOAD) == 0) {
        modules_may_change();
        forget_local_operators();
    }
    return function;
}

} // namespace scratch::shim
