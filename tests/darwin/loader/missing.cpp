#include "missing.hpp"

#include "bytes.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace darwin {
namespace {

constexpr std::size_t page_size = 4096;

struct missing_name {
    std::string name;
    std::string image;
};

[[noreturn]] void stop(const missing_name *called) {
    fprintf(stderr, "dyld_on_linux: %s, which %s calls, is not in the libSystem of this loader\n",
            called->name.c_str(), called->image.c_str());
    fflush(nullptr);
    abort();
}

// movabs $name, %rdi; movabs $stop, %rax; and $-16, %rsp; call *%rax
constexpr unsigned char code[] = {0x48, 0xbf, 0, 0, 0, 0, 0, 0,    0,    0,    0x48, 0xb8, 0,
                                  0,    0,    0, 0, 0, 0, 0, 0x48, 0x83, 0xe4, 0xf0, 0xff, 0xd0};
constexpr std::size_t name_at = 2;
constexpr std::size_t function_at = 12;
constexpr std::size_t stride = 32;

unsigned char *page = nullptr;
std::size_t used = page_size;

} // namespace

std::uintptr_t function_for_missing(std::string_view name, const std::string &image) {
    if (used + stride > page_size) {
        void *const mapped =
            mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED)
            throw refusal("there is no memory for functions that are missing");
        page = static_cast<unsigned char *>(mapped);
        used = 0;
    }
    mprotect(page, page_size, PROT_READ | PROT_WRITE);
    unsigned char *const made = page + used;
    used += stride;
    const auto *const called = new missing_name{std::string(name), image};
    void (*const function)(const missing_name *) = stop;
    std::memcpy(made, code, sizeof code);
    std::memcpy(made + name_at, &called, sizeof called);
    std::memcpy(made + function_at, &function, sizeof function);
    mprotect(page, page_size, PROT_READ | PROT_EXEC);
    return reinterpret_cast<std::uintptr_t>(made);
}

} // namespace darwin
