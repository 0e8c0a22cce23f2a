// Files and descriptors, used so that the program around us cannot tell: errno is kept, no signal
// is left behind, no call is a cancellation point, none can be taken over by the program or another
// preloaded object (they go to the kernel directly). Nothing here allocates. What
// differs between systems stands in one file for each of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace scratch::shim {

// Which file something is: equal only for the same file.
struct file_identity {
    std::uint64_t device = 0;
    std::uint64_t node = 0;
    std::uint32_t owner = 0;
    bool exists = false;
    bool regular = false;
    bool folder = false;

    bool same_file(const file_identity &other) const noexcept {
        return exists && other.exists && device == other.device && node == other.node;
    }
};

// Writes all of `bytes`, going on after interruptions and, for a tenth of a second, while a
// non-blocking descriptor is full. A closed pipe, a file size limit and a terminal that stops
// background jobs cost the bytes, but raise no signal. True if everything was written.
bool write_whole(int descriptor, std::string_view bytes) noexcept;
// The same at an offset of a file, which stays where it is; false where the disk is full, too.
bool write_whole_at(int descriptor, std::string_view bytes, std::int64_t offset) noexcept;

file_identity identify(int descriptor) noexcept;
// Does not follow a symbolic link at the end of `path`.
file_identity identify(const char *path) noexcept;
// Follows symbolic links.
file_identity identify_target(const char *path) noexcept;

// The functions below return 0 or a descriptor, or an error number below zero.

// A new file for reading and writing, closed on exec; fails where anything has that name.
int create_file(const char *path, unsigned permissions) noexcept;
// For reading, closed on exec, never waiting, never through a symbolic link at the end of `path`.
int open_to_read(const char *path) noexcept;
// As read(2), from the start of the file.
long read_start(int descriptor, char *into, std::size_t size) noexcept;
void close_descriptor(int descriptor) noexcept;
int remove_file(const char *path) noexcept;
int rename_file(const char *from, const char *to) noexcept;

// Calls `visit(context, name)` for the names in a folder, up to a first batch of about a hundred.
void visit_some_names(const char *folder, void (*visit)(void *context, const char *name),
                      void *context) noexcept;

// Maps the first `size` bytes of a file shared and writable, at `place` (over what is there) or,
// for null, anywhere; `descriptor` -1: zeroed private memory. Null on failure.
void *map_shared(void *place, std::size_t size, int descriptor) noexcept;

// False only if there surely is no such process.
bool process_may_live(std::uint32_t process) noexcept;
std::uint32_t this_process() noexcept;
std::uint32_t parent_process() noexcept;
std::uint32_t this_user() noexcept;

// The target of a symbolic link, cut to `size`; an empty view on failure.
std::string_view read_link(const char *path, char *into, std::size_t size) noexcept;
#ifdef __linux__
// The file that is mapped at an address, cut to `size`; an empty view where none is.
std::string_view file_mapped_at(std::uintptr_t address, char *into, std::size_t size) noexcept;
#endif
// The current folder; an empty view on failure.
std::string_view current_folder(char *into, std::size_t size) noexcept;

} // namespace scratch::shim
