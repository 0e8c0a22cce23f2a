#include "shim/route/obstacks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <obstack.h>

#include "shim/heap/inside.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/heap/threads.hpp"
#include "shim/next/next_function.hpp"
#include "shim/route/route.hpp"

namespace scratch::shim {

namespace {

constinit next_function<int (*)(obstack *, std::size_t, std::size_t, obstack_chunk_function,
                                obstack_free_function)>
    next_begin("_obstack_begin");
constinit next_function<int (*)(obstack *, std::size_t, std::size_t, obstack_chunk_function_1,
                                obstack_free_function_1, void *)>
    next_begin_1("_obstack_begin_1");
constinit next_function<void (*)(obstack *, std::size_t)> next_newchunk("_obstack_newchunk");

// What an obstack asks for unless it is told otherwise, as far as it is known: a page less what
// allocators put before.
constexpr std::size_t usual_chunk = 4096;

// An obstack may last for ever: together they leave most of the budget to regions.
constexpr std::size_t budget_for_obstacks = std::size_t{2} << 20;

// While it lives, plain calls of this thread are pushed though no region is open. If a chunk
// function jumps out of it, that lasts until the chunk is full: the blocks are freed as others are.
class pushing_plain_calls {
public:
    explicit pushing_plain_calls(std::size_t size) noexcept {
        if (!regions_alone_are_served() || size > largest_small_block) return;
        const inside here;
        if (!here) return;
        thread_heap *heap = start_own_heap();
        if (heap == nullptr || heap->regions.depth != 0) return;
        if (!make_room(heap, size, budget_for_obstacks)) return;
        heap->plain_calls_outside = began_ = true;
        heap->hot.limit = heap->current->limit();
    }
    ~pushing_plain_calls() {
        if (!began_) return;
        const inside here;
        thread_heap *heap = this_thread.own;
        if (!here || heap == nullptr) return;
        heap->plain_calls_outside = false;
        if (heap->regions.depth == 0) heap->hot.limit = 0;
    }
    pushing_plain_calls(const pushing_plain_calls &) = delete;
    pushing_plain_calls &operator=(const pushing_plain_calls &) = delete;

private:
    bool began_ = false;
};

std::size_t size_of_first_chunk(std::size_t asked) noexcept {
    const auto size = static_cast<std::uint32_t>(asked);
    return size != 0 ? size : usual_chunk;
}

// As the obstack will: an object that grows out of its chunk moves to a larger one.
std::size_t size_of_next_chunk(obstack *extended, std::size_t length) noexcept {
    const auto object = static_cast<std::size_t>(obstack_object_size(extended));
    const auto usual = static_cast<std::size_t>(obstack_chunk_size(extended));
    return std::max(usual, object + object / 8 + static_cast<std::uint32_t>(length) + 128);
}

} // namespace

int begin_obstack(obstack *begun, std::size_t size, std::size_t alignment,
                  obstack_chunk_function take, obstack_free_function give_back) {
    const pushing_plain_calls pushing(size_of_first_chunk(size));
    return next_begin.get()(begun, size, alignment, take, give_back);
}

int begin_obstack(obstack *begun, std::size_t size, std::size_t alignment,
                  obstack_chunk_function_1 take, obstack_free_function_1 give_back,
                  void *argument) {
    const pushing_plain_calls pushing(size_of_first_chunk(size));
    return next_begin_1.get()(begun, size, alignment, take, give_back, argument);
}

void extend_obstack(obstack *extended, std::size_t length) {
    const pushing_plain_calls pushing(size_of_next_chunk(extended, length));
    next_newchunk.get()(extended, length);
}

} // namespace scratch::shim
