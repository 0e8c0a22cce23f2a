// What the parts of hostile.cpp share: blocks that are given back, and used nevertheless.
#pragma once

#include <cstdlib>
#include <cstring>

#include <scratch/annotate.h>

#define NOINLINE __attribute__((noinline))

template <typename T>
T hidden(T value) {
    __asm__ volatile("" : "+r"(value)::"memory");
    return value;
}

inline char *volatile kept;

NOINLINE inline char *make_block(std::size_t size) {
    auto *block = static_cast<char *>(hidden(malloc(size)));
    std::memset(block, 'a', size);
    return block;
}
NOINLINE inline void give_back(char *block) { free(hidden(block)); }
NOINLINE inline void keep_beyond_scope(std::size_t size) {
    SCRATCH_REGION("kept", SCRATCH_TRUSTED);
    kept = make_block(size);
}
NOINLINE inline void use_kept() { *hidden(static_cast<char *>(kept)) = 'x'; }

// Programs of hostile_handlers.cpp.
int own_fault_handlers();
int dies_of_fault();
int dies_of_sent_fault();
int dies_of_deep_recursion();
int dies_of_fault_while_blocked();
int ignored_since_start();
int vfork_child_sets_default();
int ignored_in_the_next_program();
int is_fault_ignored();
int use_with_all_blocked();
int use_in_handler_that_blocks_all();
int use_on_small_stack();
