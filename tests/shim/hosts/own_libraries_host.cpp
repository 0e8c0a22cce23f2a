// A program that uses spdlog, fmt and libunwind itself, linked as shared libraries, and hands
// whatever of C++ is in it to the libraries it loads (--export-dynamic).
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <memory>
#include <scratch/annotate.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

__attribute__((noinline)) int depth_of_stack(int below) {
    if (below > 0) return depth_of_stack(below - 1) + 0 * below;
    unw_context_t context;
    unw_cursor_t cursor;
    unw_getcontext(&context);
    unw_init_local(&cursor, &context);
    int depth = 0;
    while (unw_step(&cursor) > 0)
        ++depth;
    return depth;
}

void work(int round) {
    const std::vector<int> numbers(100, round);
    spdlog::info("round {} of {:>5}: {}", round, 20,
                 std::string(static_cast<std::size_t>(round), 'x'));
    try {
        throw std::runtime_error(fmt::format("number {:x}", round));
    } catch (const std::exception &error) {
        spdlog::warn("{} {}", error.what(), depth_of_stack(5) > 5);
    }
}

} // namespace

int main() {
    spdlog::set_default_logger(spdlog::stdout_logger_st("host"));
    spdlog::set_pattern("%n %l %v");
    for (int round = 0; round < 20; ++round) {
        work(round);
        SCRATCH_REGION("counted");
        work(round);
    }
    spdlog::shutdown();
    return 0;
}
