// A program that replaces operators new and delete: all that it allocates so must come from its
// own, and all that goes to its delete must have come from its own new.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <scratch/annotate.h>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr unsigned long mark = 0x77aa77aa;
unsigned long made = 0;
unsigned long given_back = 0;

void *allocate(std::size_t size) {
    auto *block = static_cast<unsigned long *>(std::malloc(size + 16));
    if (block == nullptr) throw std::bad_alloc();
    block[0] = mark;
    ++made;
    return block + 2;
}

void release(void *payload) {
    if (payload == nullptr) return;
    unsigned long *block = static_cast<unsigned long *>(payload) - 2;
    if (block[0] != mark) {
        std::fputs("delete of what is not from this program's new\n", stderr);
        std::_Exit(3);
    }
    block[0] = 0;
    ++given_back;
    std::free(block);
}

} // namespace

void *operator new(std::size_t size) { return allocate(size); }
void operator delete(void *payload) noexcept { release(payload); }
void operator delete(void *payload, std::size_t) noexcept { release(payload); }
#ifndef ONLY_ONE_OPERATOR
void *operator new[](std::size_t size) { return allocate(size); }
void operator delete[](void *payload) noexcept { release(payload); }
void operator delete[](void *payload, std::size_t) noexcept { release(payload); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return allocate(size); }
void operator delete(void *payload, const std::nothrow_t &) noexcept { release(payload); }
#endif

namespace {

struct alignas(128) aligned {
    char bytes[128];
};

void work() {
    std::map<std::string, std::vector<int>> texts;
    for (int n = 0; n < 50; ++n)
        texts[std::string(static_cast<std::size_t>(n), 'k')].assign(static_cast<std::size_t>(n), n);
    std::ostringstream stream;
    for (const auto &[key, numbers] : texts)
        stream << key << numbers.size();
    auto *array = new char[300];
    __asm__ volatile("" : "+r"(array));
    delete[] array;
    auto *quiet = new (std::nothrow) std::string(100, 'q');
    delete quiet;
    auto *apart = new aligned;
    __asm__ volatile("" : "+r"(apart));
    delete apart;
    try {
        throw std::string(200, 'e');
    } catch (const std::string &) {
    }
    if (stream.str().empty()) std::abort();
}

} // namespace

int main() {
    for (int round = 0; round < 200; ++round) {
        work();
        {
            SCRATCH_REGION("region");
            work();
            std::free(std::malloc(100));
        }
        {
            SCRATCH_REGION("region", SCRATCH_TRUSTED);
            work();
        }
    }
    std::printf("%lu %lu\n", made, given_back);
    return made == given_back ? 0 : 1;
}
