#include "shim/observe/log.hpp"

#include "core/kept_errno.hpp"
#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/descriptor.hpp"
#include "shim/observe/plain_text.hpp"
#include "shim/observe/standard_error.hpp"

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <new>
#include <spdlog/details/log_msg.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

namespace scratch::shim {

namespace {

constexpr std::size_t longest_message = 1024;

// The end of the log: no pattern, no lock, so that nothing of it allocates and a fork cannot leave
// it locked. One message is one write. Of spdlog only levels, messages and sinks are used: its
// loggers and patterns cost 140 KB and the C++ runtime's exceptions and locales, which must not
// start up in every process.
class standard_error_sink final : public spdlog::sinks::sink {
public:
    void log(const spdlog::details::log_msg &message) override {
        if (!standard_error_unchanged()) return;
        fixed_text<longest_message + 32> line;
        line.add("scratch: ");
        if (message.level < spdlog::level::warn) {
            const auto name = spdlog::level::to_string_view(message.level);
            line.add({name.data(), name.size()});
            line.add(": ");
        }
        line.add({message.payload.data(), message.payload.size()});
        line.end_with("\n");
        write_whole(STDERR_FILENO, line.view());
    }
    void flush() override {}
    void set_pattern(const std::string &) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
};

// In storage that no destructor is registered for: it serves until the process is gone.
alignas(standard_error_sink) constinit char room[sizeof(standard_error_sink)]{};
constinit std::atomic<standard_error_sink *> the_sink{nullptr};

spdlog::level::level_enum as_spdlog(log_level level) noexcept {
    switch (level) {
    case log_level::error:
        return spdlog::level::err;
    case log_level::warn:
        return spdlog::level::warn;
    case log_level::info:
        return spdlog::level::info;
    case log_level::debug:
        return spdlog::level::debug;
    default:
        return spdlog::level::off;
    }
}

} // namespace

void set_log_level(log_level level) noexcept {
    standard_error_sink *sink = the_sink.load(std::memory_order_acquire);
    if (sink == nullptr) sink = new (room) standard_error_sink;
    sink->set_level(as_spdlog(level));
    the_sink.store(sink, std::memory_order_release);
}

void log(log_level level, const char *format, ...) noexcept {
    standard_error_sink *sink = the_sink.load(std::memory_order_acquire);
    const spdlog::level::level_enum importance = as_spdlog(level);
    if (sink == nullptr || importance == spdlog::level::off || !sink->should_log(importance))
        return;
    const kept_errno keep;
    char text[longest_message];
    va_list arguments;
    va_start(arguments, format);
    const int written = std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (written < 0) return;
    const std::size_t size = std::min(static_cast<std::size_t>(written), sizeof text - 1);
    // Without a time: nobody shows it.
    sink->log({spdlog::log_clock::time_point{}, spdlog::source_loc{}, "scratch", importance,
               spdlog::string_view_t(text, size)});
}

} // namespace scratch::shim
