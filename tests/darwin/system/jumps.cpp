// setjmp and longjmp: the part that is not in assembly.
#include "names.hpp"

#include <csignal>
#include <cstdint>
#include <cstring>
#include <pthread.h>

extern "C" {

struct darwin_jump_buffer {
    std::uint64_t registers[8];
    std::uint64_t mask;
    std::uint64_t has_mask;
};
static_assert(sizeof(darwin_jump_buffer) <= 37 * 4);

void darwin_setjmp_plain();
void darwin_setjmp_with_mask();
void darwin_sigsetjmp();
void darwin_longjmp();
void darwin_save_mask(darwin_jump_buffer *buffer);
void darwin_restore_mask(const darwin_jump_buffer *buffer);
}

void darwin_save_mask(darwin_jump_buffer *buffer) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    std::memcpy(&buffer->mask, &mask, sizeof buffer->mask);
    buffer->has_mask = 1;
}

void darwin_restore_mask(const darwin_jump_buffer *buffer) {
    if (buffer->has_mask == 0) return;
    sigset_t mask;
    sigemptyset(&mask);
    std::memcpy(&mask, &buffer->mask, sizeof buffer->mask);
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

namespace darwin::system {

std::span<const entry> jump_names() {
    static const entry names[] = {
        function("setjmp", darwin_setjmp_with_mask), function("_setjmp", darwin_setjmp_plain),
        function("sigsetjmp", darwin_sigsetjmp),     function("longjmp", darwin_longjmp),
        function("_longjmp", darwin_longjmp),        function("siglongjmp", darwin_longjmp),
    };
    return names;
}

} // namespace darwin::system
