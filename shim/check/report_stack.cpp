#include "shim/check/report_stack.hpp"

#include <cstddef>
#include <sys/mman.h>

#include "core/pages.hpp"

namespace scratch::shim::check {

namespace {

constexpr std::size_t stack_bytes = std::size_t{256} << 10;
constinit char *top = nullptr;

} // namespace

bool open_report_stack() noexcept {
    void *mapped = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (mapped == MAP_FAILED) return false;
    pages::protect_none(mapped, pages::page_size());
    top = static_cast<char *>(mapped) + stack_bytes;
    return true;
}

void call_on_report_stack(void (*function)(void *) noexcept, void *argument) noexcept {
#if defined(__x86_64__)
    void *stack = top;
    __asm__ volatile("movq %%rsp, %%rbx\n\t"
                     "movq %[stack], %%rsp\n\t"
                     "callq *%[function]\n\t"
                     "movq %%rbx, %%rsp"
                     : [stack] "+r"(stack), [function] "+r"(function), "+D"(argument)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc",
                       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#elif defined(__aarch64__)
    register void *first __asm__("x0") = argument;
    __asm__ volatile("mov x19, sp\n\t"
                     "mov sp, %[stack]\n\t"
                     "blr %[function]\n\t"
                     "mov sp, x19"
                     : "+r"(first)
                     : [stack] "r"(top), [function] "r"(function)
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
                       "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x30", "memory", "cc", "v0",
                       "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20",
                       "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
#else
    function(argument);
#endif
}

} // namespace scratch::shim::check
