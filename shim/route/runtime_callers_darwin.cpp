// The runtime on macOS: what lies under /usr/lib/system, dyld, and the libraries of C++,
// Objective-C and Swift. The loader tells of each object as it comes, and of those that are there
// when it is first asked.
//
// No function that hands its block to the caller is exempt: those that the program calls itself are
// interposed (exports/strings_darwin.cpp), the others are the runtime's here.
#include "shim/route/runtime_callers.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include <dlfcn.h>
#include <mach-o/dyld.h>
#include <mach-o/loader.h>

namespace scratch::shim {

constinit std::uint8_t runtime_granules[granules] = {};
constinit std::atomic<std::uint32_t> runtime_changes{1};
constinit std::atomic<std::uint32_t> runtime_changes_read{0};

namespace {

struct range {
    std::uintptr_t begin;
    std::uintptr_t end;
};

constexpr const char *runtime_folders[] = {"/usr/lib/system/"};
constexpr const char *runtime_names[] = {"libSystem.B.dylib",  "libc++.1.dylib",
                                         "libc++abi.dylib",    "libobjc.A.dylib",
                                         "libswiftCore.dylib", "dyld"};

// An entry is complete when the count says that it is there. What the runtime is stays loaded.
constinit range objects[128] = {};
constinit std::atomic<std::uint32_t> object_count{0};
constinit std::atomic<bool> registering{false};

bool is_runtime_path(const char *path) noexcept {
    const char *const slash = std::strrchr(path, '/');
    const char *const name = slash != nullptr ? slash + 1 : path;
    const auto begins = [path](const char *folder) { return std::strstr(path, folder) != nullptr; };
    const auto is_name = [name](const char *known) { return std::strcmp(name, known) == 0; };
    return std::any_of(std::begin(runtime_folders), std::end(runtime_folders), begins) ||
           std::any_of(std::begin(runtime_names), std::end(runtime_names), is_name);
}

void add_object(range code) noexcept {
    const std::uint32_t count = object_count.load(std::memory_order_relaxed);
    const range *const end = objects + count;
    const auto is_same = [code](const range &known) { return known.begin == code.begin; };
    if (count == std::size(objects) ||
        std::any_of(static_cast<const range *>(objects), end, is_same))
        return;
    objects[count] = code;
    object_count.store(count + 1, std::memory_order_release);
    // The byte behind it too: its last instruction may be the call.
    for (std::uintptr_t at = code.begin >> granule_bits; at <= code.end >> granule_bits; ++at)
        runtime_granules[at % granules] = 1;
}

// The loader calls this one at a time.
void add_image(const mach_header *header, std::intptr_t slide) {
    Dl_info found;
    if (dladdr(header, &found) == 0 || found.dli_fname == nullptr ||
        !is_runtime_path(found.dli_fname))
        return;
    const auto *command = reinterpret_cast<const load_command *>(
        reinterpret_cast<const mach_header_64 *>(header) + 1);
    for (std::uint32_t i = 0; i < header->ncmds; ++i) {
        if (command->cmd == LC_SEGMENT_64) {
            const auto *segment = reinterpret_cast<const segment_command_64 *>(command);
            if ((segment->initprot & VM_PROT_EXECUTE) != 0) {
                const std::uintptr_t begin = segment->vmaddr + static_cast<std::uintptr_t>(slide);
                add_object({begin, begin + segment->vmsize});
            }
        }
        command = reinterpret_cast<const load_command *>(reinterpret_cast<const char *>(command) +
                                                         command->cmdsize);
    }
}

} // namespace

bool is_runtime(std::uintptr_t caller) noexcept {
    const range *const end = objects + object_count.load(std::memory_order_acquire);
    return std::any_of(static_cast<const range *>(objects), end, [caller](const range &object) {
        return caller - object.begin < object.end - object.begin;
    });
}

bool is_excepted(std::uintptr_t) noexcept { return false; }

void modules_may_change() noexcept {}

// Hooked functions alone exclude any, and are not built here.
void exclude_callers(std::span<const excluded_functions>) noexcept {}
bool has_exclusions() noexcept { return false; }

bool learn_runtime() noexcept {
    if (runtime_is_known()) return true;
    // Of threads that come at once one reads, and the others do not wait for it.
    if (registering.exchange(true, std::memory_order_acquire)) return runtime_is_known();
    _dyld_register_func_for_add_image(add_image);
    runtime_changes_read.store(runtime_changes.load(std::memory_order_relaxed),
                               std::memory_order_release);
    return true;
}

// Whoever was reading when the process forked may have been stopped on the way: what is known then
// stays known, and the rest is asked for again.
void forget_reader() noexcept {
    if (!runtime_is_known()) registering.store(false, std::memory_order_relaxed);
}

} // namespace scratch::shim
