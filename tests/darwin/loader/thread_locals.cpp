#include "thread_locals.hpp"

#include "process.hpp"
#include "system/allocation.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>

namespace {

constexpr std::size_t most_keys = 256;

struct contents {
    const std::byte *initial; // null: zeroes only
    std::size_t initial_size;
    std::size_t size;
    pthread_key_t end;
};

// Never destroyed: threads outlive the end of the process's main function.
contents contents_of[most_keys];
std::size_t key_count = 1;

} // namespace

// By key; read by darwin_thread_local_address.
extern "C" {
__attribute__((tls_model("initial-exec"))) thread_local void *darwin_thread_local_blocks[most_keys];

void *darwin_thread_local_block(std::size_t key);
}

// dyld takes the memory from malloc, and interposed functions get these calls like all others: who
// interposes malloc and has thread-local variables must be ready for that.
void *darwin_thread_local_block(std::size_t key) {
    const int saved = errno;
    const contents &wanted = contents_of[key];
    void *const block = darwin::allocation::interposed_malloc(wanted.size);
    if (block == nullptr) {
        fputs("dyld_on_linux: no memory for thread-local variables\n", stderr);
        abort();
    }
    // A malloc that uses the same variables has made them meanwhile.
    if (darwin_thread_local_blocks[key] != nullptr) {
        darwin::allocation::interposed_free(block);
    } else {
        std::memset(block, 0, wanted.size);
        if (wanted.initial != nullptr) std::memcpy(block, wanted.initial, wanted.initial_size);
        darwin_thread_local_blocks[key] = block;
        pthread_setspecific(wanted.end, reinterpret_cast<void *>(key));
    }
    errno = saved;
    return darwin_thread_local_blocks[key];
}

namespace darwin {
namespace {

void free_block(void *value) {
    const auto key = reinterpret_cast<std::size_t>(value);
    void *const block = darwin_thread_local_blocks[key];
    darwin_thread_local_blocks[key] = nullptr;
    allocation::interposed_free(block);
}

struct descriptor {
    void (*function)();
    std::uint64_t key;
    std::uint64_t offset;
};

} // namespace

void prepare_thread_locals(image &image) {
    std::uint64_t first = UINT64_MAX;
    std::uint64_t end = 0;
    std::uint64_t end_of_initial = 0;
    for (const section_part &section : image.file().sections) {
        const bool is_initial = section.type == format::section_type::thread_local_regular;
        if (!is_initial && section.type != format::section_type::thread_local_zero_filled) continue;
        if (section.size == 0) continue;
        first = std::min(first, section.address);
        end = std::max(end, section.address + section.size);
        if (is_initial) end_of_initial = std::max(end_of_initial, section.address + section.size);
    }
    for (const section_part &section : image.file().sections) {
        if (section.type != format::section_type::thread_local_variables || section.size == 0)
            continue;
        if (first >= end) throw refusal("it has thread-local variables without contents");
        if (section.size % sizeof(descriptor) != 0)
            throw refusal("its thread-local descriptors are cut off");
        if (image.thread_local_key == 0) {
            if (key_count == most_keys)
                throw refusal("there are too many images with thread-local variables");
            contents &own = contents_of[key_count];
            own.initial = end_of_initial > first
                              ? image.memory(first, end_of_initial - first, "their contents")
                              : nullptr;
            own.initial_size = end_of_initial > first ? end_of_initial - first : 0;
            own.size = end - first;
            if (pthread_key_create(&own.end, free_block) != 0)
                throw refusal("there is no key for its thread-local variables");
            image.thread_local_key = key_count++;
        }
        auto *const descriptors = reinterpret_cast<descriptor *>(image.memory(section));
        if (reinterpret_cast<std::uintptr_t>(descriptors) % alignof(descriptor) != 0)
            throw refusal("its thread-local descriptors are not aligned");
        image.word_in(section.segment,
                      section.address - image.file().segments[section.segment].address);
        for (std::size_t index = 0; index < section.size / sizeof(descriptor); ++index) {
            if (descriptors[index].offset >= end - first)
                throw refusal("a thread-local variable lies outside of its image's");
            descriptors[index].function = darwin_thread_local_address;
            descriptors[index].key = image.thread_local_key;
        }
    }
}

} // namespace darwin
