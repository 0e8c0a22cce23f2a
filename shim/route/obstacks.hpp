// GNU obstacks: libc's growing stacks of objects, given back in reverse order. Their chunks come
// from the thread's stack, in mode scoped outside regions too. The obstack's own functions do their
// work, and the mallocs that they make on the way, by whatever function the program gave them for
// that, are pushed; so their frees are frees as all others.
//
// Numbers are whole registers: libc's are ints, of which the upper halves are anything, and in
// newer definitions that a program may bring along they are sizes.
#pragma once

#include <cstddef>

struct obstack;

namespace scratch::shim {

using obstack_chunk_function = void *(*)(long);
using obstack_free_function = void (*)(void *);
using obstack_chunk_function_1 = void *(*)(void *, long);
using obstack_free_function_1 = void (*)(void *, void *);

int begin_obstack(obstack *begun, std::size_t size, std::size_t alignment,
                  obstack_chunk_function take, obstack_free_function give_back);
int begin_obstack(obstack *begun, std::size_t size, std::size_t alignment,
                  obstack_chunk_function_1 take, obstack_free_function_1 give_back, void *argument);
void extend_obstack(obstack *extended, std::size_t length);

} // namespace scratch::shim
