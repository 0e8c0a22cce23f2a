// Thread-local variables: each image's are made anew for every thread that uses one, at its first
// use.
#pragma once

#include "image.hpp"

namespace darwin {

/// Puts the image's descriptors in order; refuses impossible ones. Before the image is protected.
void prepare_thread_locals(image &image);

} // namespace darwin

// What descriptors call: the descriptor in rdi, the variable's address in rax, all other registers
// kept.
extern "C" void darwin_thread_local_address();
