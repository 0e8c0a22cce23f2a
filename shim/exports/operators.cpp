// The C++ operators: names only. Not noexcept where the standard's are not: what the host's own
// operator throws passes through these frames.

#include <cstddef>
#include <cstdint>
#include <new>

#include "shim/heap/thread_heap.hpp"
#include "shim/next/operators.hpp"
#include "shim/route/entries.hpp"
#include "shim/route/operators.hpp"
#include "shim/route/push.hpp"

#define SCRATCH_EXPORT [[gnu::visibility("default")]]

using namespace scratch::shim;
using std::align_val_t;
using std::nothrow_t;
using std::size_t;

SCRATCH_EXPORT void *operator new(size_t size) {
    if (entries.new_pushes_itself)
        if (void *pushed = push_at_once(size)) return pushed;
    return entries.operator_new(size);
}
SCRATCH_EXPORT void *operator new[](size_t size) {
    return new_block<cxx_operator::array_new>(SCRATCH_ORIGIN, size);
}
SCRATCH_EXPORT void *operator new(size_t size, const nothrow_t &tag) noexcept {
    return new_block<cxx_operator::nothrow_new>(SCRATCH_ORIGIN, size, tag);
}
SCRATCH_EXPORT void *operator new[](size_t size, const nothrow_t &tag) noexcept {
    return new_block<cxx_operator::nothrow_array_new>(SCRATCH_ORIGIN, size, tag);
}
SCRATCH_EXPORT void *operator new(size_t size, align_val_t alignment) {
    return new_aligned<cxx_operator::aligned_new>(SCRATCH_ORIGIN, size, alignment);
}
SCRATCH_EXPORT void *operator new[](size_t size, align_val_t alignment) {
    return new_aligned<cxx_operator::aligned_array_new>(SCRATCH_ORIGIN, size, alignment);
}
SCRATCH_EXPORT void *operator new(size_t size, align_val_t alignment,
                                  const nothrow_t &tag) noexcept {
    return new_aligned<cxx_operator::aligned_nothrow_new>(SCRATCH_ORIGIN, size, alignment, tag);
}
SCRATCH_EXPORT void *operator new[](size_t size, align_val_t alignment,
                                    const nothrow_t &tag) noexcept {
    return new_aligned<cxx_operator::aligned_nothrow_array_new>(SCRATCH_ORIGIN, size, alignment,
                                                                tag);
}

SCRATCH_EXPORT void operator delete(void *payload) noexcept {
    delete_block<cxx_operator::plain_delete>(SCRATCH_ORIGIN, payload);
}
SCRATCH_EXPORT void operator delete[](void *payload) noexcept {
    delete_block<cxx_operator::array_delete>(SCRATCH_ORIGIN, payload);
}
SCRATCH_EXPORT void operator delete(void *payload, size_t size) noexcept {
    delete_block<cxx_operator::sized_delete>(SCRATCH_ORIGIN, payload, size);
}
SCRATCH_EXPORT void operator delete[](void *payload, size_t size) noexcept {
    delete_block<cxx_operator::sized_array_delete>(SCRATCH_ORIGIN, payload, size);
}
SCRATCH_EXPORT void operator delete(void *payload, const nothrow_t &tag) noexcept {
    delete_block<cxx_operator::nothrow_delete>(SCRATCH_ORIGIN, payload, tag);
}
SCRATCH_EXPORT void operator delete[](void *payload, const nothrow_t &tag) noexcept {
    delete_block<cxx_operator::nothrow_array_delete>(SCRATCH_ORIGIN, payload, tag);
}
SCRATCH_EXPORT void operator delete(void *payload, align_val_t alignment) noexcept {
    delete_block<cxx_operator::aligned_delete>(SCRATCH_ORIGIN, payload, alignment);
}
SCRATCH_EXPORT void operator delete[](void *payload, align_val_t alignment) noexcept {
    delete_block<cxx_operator::aligned_array_delete>(SCRATCH_ORIGIN, payload, alignment);
}
SCRATCH_EXPORT void operator delete(void *payload, size_t size, align_val_t alignment) noexcept {
    delete_block<cxx_operator::sized_aligned_delete>(SCRATCH_ORIGIN, payload, size, alignment);
}
SCRATCH_EXPORT void operator delete[](void *payload, size_t size, align_val_t alignment) noexcept {
    delete_block<cxx_operator::sized_aligned_array_delete>(SCRATCH_ORIGIN, payload, size,
                                                           alignment);
}
SCRATCH_EXPORT void operator delete(void *payload, align_val_t alignment,
                                    const nothrow_t &tag) noexcept {
    delete_block<cxx_operator::aligned_nothrow_delete>(SCRATCH_ORIGIN, payload, alignment, tag);
}
SCRATCH_EXPORT void operator delete[](void *payload, align_val_t alignment,
                                      const nothrow_t &tag) noexcept {
    delete_block<cxx_operator::aligned_nothrow_array_delete>(SCRATCH_ORIGIN, payload, alignment,
                                                             tag);
}
