// Mode adaptive: finds by samples which sites' blocks die young, and routes those while that gains.
//
// First it watches: a call out of many is put on the stack, the others pass for the price of a
// counter. Sites whose samples all died young are eligible. Once they make up enough of all calls,
// it tries what is gained if each call pays for a look into the table of routed sites and theirs go
// to scratch (decision.hpp). Where nothing is, the entry points become the next allocator's own and
// the program is left as it was.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/route/entries.hpp"
#include "shim/route/origin.hpp"

namespace scratch::shim {

struct thread_heap;

// The entry points for what adaptive mode has decided so far.
malloc_function adaptive_malloc() noexcept;
malloc_function adaptive_new() noexcept;

// Whether all that a call has to do is to count towards the next sample.
bool adaptive_only_samples() noexcept;

// For the exports without an entry point: null where the call goes to `next`.
void *push_if_routed(std::size_t size, origin from) noexcept;

// The program opens regions: from now on the entry points look for them.
void serve_regions() noexcept;
bool regions_are_served() noexcept;

// Sites that were routed and whose blocks outlive their chunks are routed no more. Looks at one
// chunk a call.
void demote_pinning_sites(thread_heap *heap) noexcept;

} // namespace scratch::shim
