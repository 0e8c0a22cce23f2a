// A use after a free in a function that only a full symbol table names, between functions that the
// dynamic one names too; and one in a function without a size, as assembly leaves them.

#include <cstdlib>
#include <cstring>

#define NOINLINE [[gnu::noinline, gnu::visibility("default")]]

#if defined(__x86_64__)
#define LOAD_AND_RETURN "nop\n movzbl (%rdi), %eax\n ret\n"
#else
#define LOAD_AND_RETURN "nop\n ldrb w0, [x0]\n ret\n"
#endif
__asm__(".text\n"
        ".globl read_without_size\n"
        ".type read_without_size, %function\n"
        "read_without_size:\n" LOAD_AND_RETURN);

extern "C" {

int read_without_size(const char *block);

NOINLINE char *exported_before() { return static_cast<char *>(std::malloc(48)); }

[[gnu::noinline]] static int read_unnamed(const char *block) {
    const int value = *static_cast<const volatile char *>(block);
    __asm__ volatile("" ::: "memory");
    return value;
}

NOINLINE int exported_behind(int count) {
    char *volatile kept = exported_before();
    std::memset(kept, 'a', 48);
    std::free(kept);
    return count == 1 ? read_unnamed(kept) : read_without_size(kept);
}

} // extern "C"

int main(int count, char **) { return exported_behind(count) == 'a' ? 0 : 1; }
