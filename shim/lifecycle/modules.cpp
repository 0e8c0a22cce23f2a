#include "shim/lifecycle/modules.hpp"

#include <atomic>
#include <cstring>
#include <dlfcn.h>

#include "core/kept_errno.hpp"
#include "shim/next/next.hpp"
#include "shim/next/operators.hpp"
#include "shim/observe/counters.hpp"
#include "shim/route/dynamic_symbols.hpp"
#include "shim/route/route.hpp"
#include "shim/route/runtime_callers.hpp"

namespace scratch::shim {

namespace {
constinit std::atomic<bool> was_opened_for_all{false};

bool has_search_path(const dl_phdr_info &object, std::int64_t kind) noexcept {
    bool has = false;
    for_each_entry(object, kind, [&has](std::uint64_t) { has = true; });
    return has;
}

// What is not to be loaded changes nothing; we ask so ourselves.
void note_change(int flags) noexcept {
    if ((flags & RTLD_NOLOAD) != 0) return;
    modules_may_change();
    forget_local_operators();
}

} // namespace

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
    note_change(flags);
    return function;
}

// A name without a slash is looked for by the caller's path, `$` may stand for the caller's folder,
// and an old kind of path (DT_RPATH) holds for all that its object opens, and what they need. Code
// that a program made at run time lies in no object: the program's own paths are then the caller's.
bool may_open_for(const void *caller, const char *file, int flags) noexcept {
    if (!regions_allowed() || (flags & RTLD_NOLOAD) != 0) return false;
    if (file == nullptr || std::strchr(file, '$') != nullptr) return false;
    const bool by_path = std::strchr(file, '/') != nullptr;
    bool is_known = false;
    bool differs = false;
    for_each_object([&](const dl_phdr_info &object) {
        const bool is_callers = contains(object, caller);
        is_known = is_known || is_callers;
        differs = has_search_path(object, DT_RPATH) ||
                  (!by_path && is_callers && has_search_path(object, DT_RUNPATH));
        return differs;
    });
    return is_known && !differs;
}

void *open_and_note(dlopen_function function, const char *file, int flags) noexcept {
    void *opened = function(file, flags);
    note_change(flags);
    return opened;
}

} // namespace scratch::shim
