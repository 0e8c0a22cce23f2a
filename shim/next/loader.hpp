// What is asked of the system's loader where their ways differ: one file per libc.
#pragma once

struct link_map;
struct sigaction;

namespace scratch::shim {

// The function that `next` would resolve to for another name, or null: for operators and dlopen.
void *find_next(const char *name) noexcept;

// The same for a function that libc has in several versions: before 2.36 glibc's search finds the
// oldest otherwise. Definitions without a version fit, and where none has this one any is found.
void *find_next_of_version(const char *name, const char *version) noexcept;

// The definition that the program's references to a function reach, or null where it has only its
// own way to one: in programs that are not position independent the search ends at the entry by
// which they call a function whose address they took, and whose definition is elsewhere.
void *find_definition_for_program(const char *name) noexcept;

// libc's own sigaction, past those who interpose it; null where libc shows none.
using action_function = int (*)(int, const struct sigaction *, struct sigaction *);
action_function find_action_of_libc() noexcept;

// The name under which dlopen finds the object that holds an address; null where none holds it.
const char *name_of_object_at(const void *address) noexcept;

// The first of the objects that the loader has in its list, read without its lock.
const link_map *first_loaded_object() noexcept;

} // namespace scratch::shim
