// The inside word: which slow path of the shim runs on this thread (DESIGN 18).
//
// While it is held, a signal handler's malloc goes to the next allocator and its free to the list
// of remote frees, and no slow path is entered a second time. Nothing waits: a path that cannot
// enter leaves its work for later.
#pragma once

#include <cstdint>

#include "shim/heap/thread_heap.hpp"

namespace scratch::shim {

// Whether the exported malloc pushes by itself where a region is open (mode scoped, nothing
// counted); told by the routing.
bool malloc_pushes_itself() noexcept;

class inside {
public:
    // `frame` is the stack pointer at the call of the export, where it is known: a call from the
    // very frame out of which a handler jumped is told from one of a handler by that alone.
    explicit inside(std::uintptr_t frame = 0) noexcept : entered_(enter(frame)) {}
    ~inside() {
        if (entered_) leave();
    }
    inside(const inside &) = delete;
    inside &operator=(const inside &) = delete;

    explicit operator bool() const noexcept { return entered_; }

private:
    static bool enter(std::uintptr_t frame) noexcept;
    static void leave() noexcept;

    bool entered_;
};

} // namespace scratch::shim
