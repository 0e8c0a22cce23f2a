#include "shim/check/reports_file.hpp"

#include <cstdint>
#include <fcntl.h>
#include <unistd.h>

#include "core/tasks.hpp"
#include "shim/observe/counters_file.hpp"
#include "shim/observe/descriptor.hpp"
#include "shim/observe/log.hpp"
#include "shim/observe/plain_text.hpp"
#include "shim/observe/program_name.hpp"
#include "shim/observe/report_text.hpp"

namespace scratch::shim::check {

namespace {

constinit const char *wanted = nullptr;
constinit path_text path = {};
constinit std::uint32_t owner = 0;
constinit off_t end = 0; // where the next report goes: over the ending
constinit bool empty = true;

constexpr std::string_view ending = "\n]}\n";

bool create() noexcept {
    fixed_text<1024> head;
    const program_name program;
    char name[256];
    plain_text name_text(name, sizeof name);
    name_text.add(program.name());
    name_text.end_with(std::string_view("", 1));
    owner = tasks::this_process();
    head.add("{\"scratch\":1,\"program\":");
    add_json_string(head, name, sizeof name);
    head.format(",\"pid\":%u,\"mode\":\"check\",\"reports\":[", owner);
    end = static_cast<off_t>(head.view().size());
    empty = true;
    head.add(ending);
    const int file = create_asked_file(wanted, program.name(), head.view(), path);
    if (file >= 0) {
        close_descriptor(file);
        return true;
    }
    log_raw("no reports are written to %s: %s; they go to standard error", path.bytes,
            describe_error(file));
    wanted = nullptr;
    return false;
}

bool say_lost() noexcept {
    static constinit bool said = false;
    if (!said)
        log_raw("not all reports can be written to %s; the others go to standard error",
                path.bytes);
    said = true;
    return false;
}

} // namespace

void open_reports_file(const char *pattern) noexcept {
    wanted = pattern;
    create();
}

bool has_reports_file() noexcept { return wanted != nullptr; }

bool add_to_reports_file(std::string_view report) noexcept {
    if (owner != tasks::this_process() && !create()) return false;
    const int file = open(path.bytes, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return say_lost();
    const std::string_view separator = empty ? "\n" : ",\n";
    const auto put = [file](std::string_view text, off_t at) {
        return write_whole_at(file, text, at);
    };
    const auto after = end + static_cast<off_t>(separator.size() + report.size());
    // The ending first: a full disk then leaves what was there.
    const bool added = put(ending, after) &&
                       put(report, end + static_cast<off_t>(separator.size())) &&
                       put(separator, end);
    if (added) {
        end = after;
        empty = false;
    } else {
        put(ending, end);
        if (ftruncate(file, end + static_cast<off_t>(ending.size())) != 0) wanted = nullptr;
    }
    close_descriptor(file);
    return added || say_lost();
}

} // namespace scratch::shim::check
