// Built with -finstrument-functions; its functions are hooked by their addresses. Says how many
// times a block was where it should be.
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// Of all that the shim pushes: the first block lies on the first chunk. Its distance from another
// block tells nothing, since libc's own may lie right beside.
std::uintptr_t start_of_scratch;
long wrong;
std::jmp_buf back;
// Its text belongs to it, and is allocated by the program itself.
struct error {
    char *text;
    [[gnu::no_instrument_function]] explicit error(const char *from) : text(new char[200]) {
        std::strcpy(text, from);
    }
};
constexpr char message[] = "longer than what a string keeps in itself";

[[gnu::no_instrument_function]] void expect(bool scratch) {
    auto *block = static_cast<char *>(std::malloc(50));
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    if (start_of_scratch == 0) start_of_scratch = address & ~std::uintptr_t{0xffff};
    if ((address - start_of_scratch < std::uintptr_t{64} << 30) != scratch) ++wrong;
    std::free(block);
}

} // namespace

// Hooked as trusted regions.
extern "C" [[gnu::noinline]] char *parse(int number) {
    expect(true);
    auto *block = static_cast<char *>(std::malloc(100));
    std::memset(block, number, 100);
    if (number == 1) throw error(message);
    if (number == 2) std::longjmp(back, 1);
    return block;
}
extern "C" [[gnu::noinline]] int nest(int depth) {
    auto *block = static_cast<char *>(std::malloc(100));
    std::memset(block, depth, 100);
    if (depth > 0) nest(depth - 1);
    if (block[99] != static_cast<char>(depth)) ++wrong;
    expect(true);
    return depth;
}

int main() {
    for (int i = 0; i < 20000; ++i) {
        parse(0);
        expect(false);
    }
    for (int i = 0; i < 100; ++i) {
        nest(10);
        expect(false);
    }
    for (int i = 0; i < 100; ++i) {
        try {
            parse(1);
            ++wrong;
        } catch (const error &caught) {
            nest(3);
            if (std::strcmp(caught.text, message) != 0) ++wrong;
        }
    }
    static int jumps;
    for (jumps = 0; jumps < 100; ++jumps) {
        if (setjmp(back) == 0) parse(2);
        expect(false);
    }
    std::printf("%ld wrong\n", wrong);
}
