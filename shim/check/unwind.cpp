// Taking backtraces. libunwind is loaded into a scope of its own, since its _Unwind_* names would
// come before those of the host's compiler (DESIGN 20).

// Else the header names the functions that unwind other processes.
#define UNW_LOCAL_ONLY

#include "shim/check/unwind.hpp"

#include "shim/check/traces.hpp"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <ucontext.h>

#include "core/kept_errno.hpp"
#include "shim/check/options.hpp"
#include "shim/heap/machine_stack.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/heap/threads.hpp"
#include "shim/next/loader_errors.hpp"
#include "shim/observe/log.hpp"

extern "C" [[gnu::visibility("hidden")]] const ElfW(Ehdr) __ehdr_start;

namespace scratch::shim::check {

namespace {

#define SCRATCH_TEXT_OF(name) #name
#define SCRATCH_TEXT(name) SCRATCH_TEXT_OF(name)

struct unwinder {
    int (*backtrace)(void **, int);
    int (*init)(unw_cursor_t *, unw_context_t *, int);
    int (*step)(unw_cursor_t *);
    int (*get_register)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
};
constinit unwinder loaded = {};
constinit std::atomic<bool> is_loaded{false};
// What is allocated before that is the runtime's, and frame pointers through its code lead nowhere.
constinit std::atomic<bool> was_tried{false};

struct code_range {
    std::uintptr_t begin = 0;
    std::size_t size = 0;
};

code_range code_of(const ElfW(Ehdr) & object) noexcept {
    code_range found;
    const auto base = reinterpret_cast<std::uintptr_t>(&object);
    const auto *segment = reinterpret_cast<const ElfW(Phdr) *>(base + object.e_phoff);
    for (int i = 0; i < object.e_phnum; ++i, ++segment)
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0)
            found = {base + segment->p_vaddr, segment->p_memsz};
    return found;
}

// The shim's, and that of the object of calls (check/seam.hpp).
constinit code_range own_code = {};
constinit code_range code_of_calls = {};

bool is_own(std::uintptr_t address) noexcept {
    if (own_code.size == 0) own_code = code_of(__ehdr_start);
    return address - own_code.begin < own_code.size ||
           address - code_of_calls.begin < code_of_calls.size;
}

// Elsewhere: whose words the first that asked for a backtrace has, and whether another asked since.
// Each thread that allocates asks, so one that might hold a lock of the loader's or the unwinder's
// in the middle of a fork did.
constinit std::atomic<const void *> first_asker{nullptr};
constinit std::atomic<bool> others_asked{false};

void note_asker() noexcept {
    const void *self = &this_thread;
    const void *first = first_asker.load(std::memory_order_relaxed);
    if (first == self || others_asked.load(std::memory_order_relaxed)) return;
    if (first == nullptr && first_asker.compare_exchange_strong(first, self)) return;
    if (first != self) others_asked.store(true);
}

bool may_unwind() noexcept {
    note_asker();
    return is_loaded.load(std::memory_order_acquire) && loader_can_be_asked();
}

void add_frame(backtrace &into, std::uintptr_t address) noexcept {
    if (address != 0 && !is_own(address) && into.depth < asked.depth)
        into.frames[into.depth++] = address;
}

void follow_frame_pointers(std::uintptr_t frame, backtrace &into) noexcept {
    const std::uintptr_t top = this_thread.stack_top;
    std::uintptr_t lowest = stack_pointer();
    // Only between here and the top of the thread's stack is surely memory.
    while (frame % sizeof(std::uintptr_t) == 0 && frame > lowest && frame + 16 <= top) {
        const auto *words = reinterpret_cast<const std::uintptr_t *>(frame);
        add_frame(into, words[1]);
        lowest = frame;
        frame = words[0];
    }
}

struct machine_words {
    std::uintptr_t instruction;
    std::uintptr_t frame;
};

machine_words words_of(const ucontext_t &context) noexcept {
#if defined(__x86_64__)
    return {static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]),
            static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RBP])};
#else
    return {context.uc_mcontext.pc, context.uc_mcontext.regs[29]};
#endif
}

} // namespace

bool loader_can_be_asked() noexcept {
    return !loader_may_be_locked() || (!libc_tells_of_threads() && !others_asked.load());
}

void leave_out_calls(const void *object) noexcept {
    code_of_calls = code_of(*static_cast<const ElfW(Ehdr) *>(object));
}

void load_unwinder() noexcept {
    const kept_errno keep_errno;
    const loader_error_aside aside;
    void *library = dlopen(SCRATCH_LIBUNWIND, RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) {
        const auto find = [library](auto &function, const char *name) {
            function =
                reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
            return function != nullptr;
        };
        const bool all = find(loaded.backtrace, "unw_backtrace") &&
                         find(loaded.init, SCRATCH_TEXT(unw_init_local2)) &&
                         find(loaded.step, SCRATCH_TEXT(unw_step)) &&
                         find(loaded.get_register, SCRATCH_TEXT(unw_get_reg));
        is_loaded.store(all, std::memory_order_release);
    }
    was_tried.store(true, std::memory_order_release);
    if (!is_loaded.load(std::memory_order_acquire))
        log_raw(SCRATCH_LIBUNWIND
                " is not installed: backtraces follow frame pointers only, and trusted "
                "scopes are not checked");
}

void take_backtrace(backtrace &into) noexcept {
    into.depth = 0;
    if (may_unwind()) {
        const kept_errno keep_errno;
        void *frames[deepest_trace + 8];
        const int wanted =
            static_cast<int>(std::min<std::size_t>(asked.depth + 8, std::size(frames)));
        const int found = loaded.backtrace(frames, wanted);
        for (int i = 0; i < found; ++i)
            add_frame(into, reinterpret_cast<std::uintptr_t>(frames[i]));
    }
    if (into.depth == 0 && was_tried.load(std::memory_order_acquire))
        follow_frame_pointers(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)), into);
}

void take_backtrace_of(const void *signal_context, backtrace &into) noexcept {
    const auto &context = *static_cast<const ucontext_t *>(signal_context);
    const machine_words words = words_of(context);
    into.depth = 0;
    add_frame(into, words.instruction + 1);
    if (!may_unwind()) {
        follow_frame_pointers(words.frame, into);
        return;
    }
    // Where they are not one type, libunwind's is the beginning of the system's.
    unw_context_t copy;
    static_assert(sizeof copy <= sizeof context);
    std::memcpy(&copy, &context, sizeof copy);
    unw_cursor_t cursor;
    if (loaded.init(&cursor, &copy, UNW_INIT_SIGNAL_FRAME) != 0) return;
    while (into.depth < asked.depth && loaded.step(&cursor) > 0) {
        unw_word_t address = 0;
        if (loaded.get_register(&cursor, UNW_REG_IP, &address) != 0 || address == 0) break;
        add_frame(into, address);
    }
}

} // namespace scratch::shim::check
