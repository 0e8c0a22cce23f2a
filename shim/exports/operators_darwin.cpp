// The C++ operators on macOS: names only. Not noexcept where the standard's are not: what the
// runtime's own operator throws passes through these frames.

#include <cstddef>
#include <cstdint>
#include <new>

#include "shim/exports/interpose_darwin.hpp"
#include "shim/heap/thread_heap.hpp"
#include "shim/next/runtime_operators_darwin.hpp"
#include "shim/route/entries.hpp"
#include "shim/route/operators.hpp"
#include "shim/route/push.hpp"

using namespace scratch::shim;
using std::align_val_t;
using std::nothrow_t;
using std::size_t;

namespace interposed {
namespace {

void *plain_new(size_t size) {
    if (entries.new_pushes_itself)
        if (void *pushed = push_at_once(size)) return pushed;
    return entries.operator_new(size);
}
void *array_new(size_t size) { return new_block<cxx_operator::array_new>(SCRATCH_ORIGIN, size); }
void *nothrow_new(size_t size, const nothrow_t &tag) noexcept {
    return new_block<cxx_operator::nothrow_new>(SCRATCH_ORIGIN, size, tag);
}
void *nothrow_array_new(size_t size, const nothrow_t &tag) noexcept {
    return new_block<cxx_operator::nothrow_array_new>(SCRATCH_ORIGIN, size, tag);
}
void *aligned_new(size_t size, align_val_t alignment) {
    return new_aligned<cxx_operator::aligned_new>(SCRATCH_ORIGIN, size, alignment);
}
void *aligned_array_new(size_t size, align_val_t alignment) {
    return new_aligned<cxx_operator::aligned_array_new>(SCRATCH_ORIGIN, size, alignment);
}
void *aligned_nothrow_new(size_t size, align_val_t alignment, const nothrow_t &tag) noexcept {
    return new_aligned<cxx_operator::aligned_nothrow_new>(SCRATCH_ORIGIN, size, alignment, tag);
}
void *aligned_nothrow_array_new(size_t size, align_val_t alignment, const nothrow_t &tag) noexcept {
    return new_aligned<cxx_operator::aligned_nothrow_array_new>(SCRATCH_ORIGIN, size, alignment,
                                                                tag);
}

void plain_delete(void *payload) noexcept {
    delete_block<cxx_operator::plain_delete>(SCRATCH_ORIGIN, payload);
}
void array_delete(void *payload) noexcept {
    delete_block<cxx_operator::array_delete>(SCRATCH_ORIGIN, payload);
}
void sized_delete(void *payload, size_t size) noexcept {
    delete_block<cxx_operator::sized_delete>(SCRATCH_ORIGIN, payload, size);
}
void sized_array_delete(void *payload, size_t size) noexcept {
    delete_block<cxx_operator::sized_array_delete>(SCRATCH_ORIGIN, payload, size);
}
void nothrow_delete(void *payload, const nothrow_t &tag) noexcept {
    delete_block<cxx_operator::nothrow_delete>(SCRATCH_ORIGIN, payload, tag);
}
void nothrow_array_delete(void *payload, const nothrow_t &tag) noexcept {
    delete_block<cxx_operator::nothrow_array_delete>(SCRATCH_ORIGIN, payload, tag);
}
void aligned_delete(void *payload, align_val_t alignment) noexcept {
    delete_block<cxx_operator::aligned_delete>(SCRATCH_ORIGIN, payload, alignment);
}
void aligned_array_delete(void *payload, align_val_t alignment) noexcept {
    delete_block<cxx_operator::aligned_array_delete>(SCRATCH_ORIGIN, payload, alignment);
}
void sized_aligned_delete(void *payload, size_t size, align_val_t alignment) noexcept {
    delete_block<cxx_operator::sized_aligned_delete>(SCRATCH_ORIGIN, payload, size, alignment);
}
void sized_aligned_array_delete(void *payload, size_t size, align_val_t alignment) noexcept {
    delete_block<cxx_operator::sized_aligned_array_delete>(SCRATCH_ORIGIN, payload, size,
                                                           alignment);
}
void aligned_nothrow_delete(void *payload, align_val_t alignment, const nothrow_t &tag) noexcept {
    delete_block<cxx_operator::aligned_nothrow_delete>(SCRATCH_ORIGIN, payload, alignment, tag);
}
void aligned_nothrow_array_delete(void *payload, align_val_t alignment,
                                  const nothrow_t &tag) noexcept {
    delete_block<cxx_operator::aligned_nothrow_array_delete>(SCRATCH_ORIGIN, payload, alignment,
                                                             tag);
}

} // namespace
} // namespace interposed

#define SCRATCH_TUPLE(name, mangled, result, parameters)                                           \
    SCRATCH_INTERPOSE(interposed::name, scratch_runtime_##name),
SCRATCH_INTERPOSITIONS(interposed_operators) = {SCRATCH_OPERATORS(SCRATCH_TUPLE)};
