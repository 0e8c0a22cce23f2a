// GNU obstacks: names only. obstack_free and the rest need none of ours: they free what malloc
// gave.

#include <cstddef>

#include "shim/route/obstacks.hpp"

#define SCRATCH_EXPORT extern "C" [[gnu::visibility("default")]]

using namespace scratch::shim;

SCRATCH_EXPORT int _obstack_begin(obstack *begun, std::size_t size, std::size_t alignment,
                                  obstack_chunk_function take, obstack_free_function give_back) {
    return begin_obstack(begun, size, alignment, take, give_back);
}
SCRATCH_EXPORT int _obstack_begin_1(obstack *begun, std::size_t size, std::size_t alignment,
                                    obstack_chunk_function_1 take,
                                    obstack_free_function_1 give_back, void *argument) {
    return begin_obstack(begun, size, alignment, take, give_back, argument);
}
SCRATCH_EXPORT void _obstack_newchunk(obstack *extended, std::size_t length) {
    extend_obstack(extended, length);
}
