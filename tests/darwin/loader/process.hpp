// The images of this process and how their names find each other: what dyld is on macOS.
#pragma once

#include "fixups.hpp"
#include "image.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace darwin::process {

/// The system's functions and variables: null for a name that it does not have.
using system_lookup = void *(*)(std::string_view name);

struct start {
    std::string program;
    std::vector<std::string> inserted;         // as DYLD_INSERT_LIBRARIES has them
    std::vector<std::string> system_libraries; // Mach-O libraries whose names count as the system's
    std::vector<std::string> library_folders; // searched by the last part of a library's name first
};

/// Loads the program with all that it needs and binds it; throws `refusal`. Nothing of it has run
/// then.
void load(const start &what, system_lookup system);

/// Runs the initialisers, those of what an image needs before its own, and the program. Its status.
int run(int argument_count, char **arguments, char **environment);

/// In a running program: an image with all that it needs, initialised; throws `refusal`. Null with
/// `only_if_loaded` where that would have to load one.
image *open(const std::string &path, const image *caller, bool only_if_loaded);

// The images in the order of lookups: inserted libraries, the program, then what they need, each
// once. Any thread may ask at any time; images never go.
std::size_t image_count();
image *image_at(std::size_t index);
image *program();
image *image_containing(const void *address);
std::size_t index_of(const image *image);

/// The address of an exported name; 0 where the image has none.
std::uintptr_t exported(const image &image, std::string_view name);
/// In the order of lookups from the image of this index on, then the system's. 0 where nobody has
/// it.
std::uintptr_t find(std::string_view name, std::size_t first_index = 0);
/// As weak definitions are found, of which a process uses one: the first that is not weak, else the
/// first. 0 where no image has one.
std::uintptr_t find_coalesced(std::string_view name);
/// Of the system alone, Mach-O libraries of it included; 0 where it has none.
std::uintptr_t find_in_system(std::string_view name);

/// What an image other than the interposing one gets for this address.
std::uintptr_t interposed(std::uintptr_t address, const image *user);
/// What the system's own functions get: all of macOS's libraries are interposed too.
void *interposed_for_system(void *address);

/// The name of the last symbol before an address, without the underscore; empty where there is
/// none.
struct nearest_symbol {
    std::string_view name;
    std::uintptr_t address = 0;
};
nearest_symbol symbol_before(const image &image, std::uintptr_t address);

} // namespace darwin::process
