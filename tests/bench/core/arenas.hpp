// Our stack and the arenas beside it, as one set of operations each, for the same loops.
//
// Each has: take (a block of a known size), mark and reset (all since the mark), and, where it can,
// give (the last block back). Everything that can be inlined is.
#pragma once

#include "empty_calls.h"

#include <scratch/scratch.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <memory_resource>

#include <obstack.h>

#ifdef HAVE_APR
#include <apr_general.h>
#include <apr_pools.h>
#endif
#ifdef HAVE_LLVM
#include <llvm/Support/Allocator.h>
#endif

namespace arenas {

constexpr std::size_t most_blocks = 64;

/// The measure of the others: each block from malloc, all freed in reverse.
class libc_malloc {
public:
    static constexpr const char *name = "malloc+free";
    using mark_type = std::size_t;
    template <std::size_t size>
    void *take() {
        return blocks_[count_++] = std::malloc(size);
    }
    void give(void *block, std::size_t) {
        --count_;
        std::free(block);
    }
    mark_type mark() const { return count_; }
    void reset(mark_type mark) {
        while (count_ > mark)
            std::free(blocks_[--count_]);
    }

private:
    std::array<void *, most_blocks> blocks_{};
    std::size_t count_ = 0;
};

class scratch_inlined {
public:
    static constexpr const char *name = "scratch";
    using mark_type = scratch_mark;
    template <std::size_t size>
    void *take() {
        return scratch_push(stack_, size, 16);
    }
    void give(void *block, std::size_t size) { scratch_pop(stack_, block, size); }
    mark_type mark() const { return scratch_save(stack_); }
    void reset(mark_type mark) { scratch_restore(stack_, mark); }

private:
    scratch_stack *stack_ = scratch_this_thread();
};

// The exported functions, as a program calls them that cannot inline; each through its own PLT
// entry.
namespace exported {
extern "C" {
void *push(scratch_stack *, std::size_t, std::size_t) __asm__("scratch_push");
bool pop(scratch_stack *, void *, std::size_t) __asm__("scratch_pop");
scratch_mark save(const scratch_stack *) __asm__("scratch_save");
bool restore(scratch_stack *, scratch_mark) __asm__("scratch_restore");
}
} // namespace exported

class scratch_called {
public:
    static constexpr const char *name = "scratch, called";
    using mark_type = scratch_mark;
    template <std::size_t size>
    void *take() {
        return exported::push(stack_, size, 16);
    }
    void give(void *block, std::size_t size) { exported::pop(stack_, block, size); }
    mark_type mark() const { return exported::save(stack_); }
    void reset(mark_type mark) { exported::restore(stack_, mark); }

private:
    scratch_stack *stack_ = scratch_this_thread();
};

/// No allocator at all: the calls alone, through a PLT entry each. What is called cannot be faster.
class empty_called {
public:
    static constexpr const char *name = "empty, called";
    using mark_type = std::size_t;
    template <std::size_t size>
    void *take() {
        return empty_take(memory_, size, 16);
    }
    void give(void *block, std::size_t size) { empty_give(memory_, block, size); }
    mark_type mark() const { return empty_mark(memory_); }
    void reset(mark_type mark) { empty_reset(memory_, mark); }

private:
    alignas(16) long memory_[2] = {};
};

/// No marks: a nested scope is a resource of its own on a buffer of its own.
class pmr_monotonic {
public:
    static constexpr const char *name = "pmr monotonic";
    using mark_type = int;
    template <std::size_t size>
    void *take() {
        return resource_.allocate(size, 16);
    }
    mark_type mark() const { return 0; }
    void reset(mark_type) { resource_.release(); }

private:
    static constexpr std::size_t buffer_size = 8 << 20;
    struct free_memory {
        void operator()(void *memory) const { std::free(memory); }
    };
    std::unique_ptr<void, free_memory> buffer_{std::malloc(buffer_size)};
    std::pmr::monotonic_buffer_resource resource_{buffer_.get(), buffer_size};
};

#define obstack_chunk_alloc std::malloc
#define obstack_chunk_free std::free

class gnu_obstack {
public:
    static constexpr const char *name = "obstack";
    using mark_type = void *;
    gnu_obstack() { obstack_begin(&stack_, 8 << 20); }
    gnu_obstack(const gnu_obstack &) = delete;
    gnu_obstack &operator=(const gnu_obstack &) = delete;
    ~gnu_obstack() { obstack_free(&stack_, nullptr); }
    template <std::size_t size>
    void *take() {
        return obstack_alloc(&stack_, static_cast<int>(size));
    }
    void give(void *block, std::size_t) { obstack_free(&stack_, block); }
    mark_type mark() { return obstack_alloc(&stack_, 0); }
    void reset(mark_type mark) { obstack_free(&stack_, mark); }

private:
    obstack stack_;
};

#ifdef HAVE_APR
class apr_pool {
public:
    static constexpr const char *name = "APR pool";
    using mark_type = int;
    apr_pool() {
        apr_initialize();
        apr_pool_create(&pool_, nullptr);
    }
    apr_pool(const apr_pool &) = delete;
    apr_pool &operator=(const apr_pool &) = delete;
    ~apr_pool() { apr_pool_destroy(pool_); }
    template <std::size_t size>
    void *take() {
        return apr_palloc(pool_, size);
    }
    mark_type mark() const { return 0; }
    void reset(mark_type) { apr_pool_clear(pool_); }

private:
    apr_pool_t *pool_ = nullptr;
};
#endif

#ifdef HAVE_LLVM
class llvm_bump {
public:
    static constexpr const char *name = "LLVM BumpPtr";
    using mark_type = int;
    template <std::size_t size>
    void *take() {
        return allocator_.Allocate(size, llvm::Align(16));
    }
    mark_type mark() const { return 0; }
    void reset(mark_type) { allocator_.Reset(); }

private:
    llvm::BumpPtrAllocatorImpl<llvm::MallocAllocator, 8 << 20, 8 << 20> allocator_;
};
#endif

} // namespace arenas
