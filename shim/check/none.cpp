// Mode check where it is not built: it reads ELF files, and hooks what only ELF lets be hooked.
#include "shim/check/blocks.hpp"
#include "shim/check/start.hpp"
#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/log.hpp"

namespace scratch::shim::check {

bool start(char **, const char *) noexcept {
    log(log_level::warn, "mode check is not built on this system: the program runs unchecked, and "
                         "all its memory comes from the system");
    return false;
}

void stand_aside() noexcept {}
void start_with_the_program() noexcept {}
int finish(int status) noexcept { return status; }

void note_scope_name(std::uint64_t, const char *) noexcept {}
void begin_scope(thread_heap *) noexcept {}
void end_scope(thread_heap *, bool) noexcept {}

} // namespace scratch::shim::check
