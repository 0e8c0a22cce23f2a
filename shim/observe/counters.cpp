#include "shim/observe/counters.hpp"

#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/counters_file.hpp"
#include "shim/observe/descriptor.hpp"
#include "shim/observe/log.hpp"
#include "shim/observe/plain_text.hpp"
#include "shim/observe/program_name.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace scratch::shim {

namespace {

// The file is one page of 4 KiB, whatever the system's pages are: the rest of a larger one is not
// used.
constexpr std::size_t file_size = 4096;

static_assert(sizeof(process_counters) <= file_size);
static_assert(std::is_standard_layout_v<process_counters>, "other processes read it");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// The words before and without a mapping; as large as the file, so that it can be written from
// here.
union own_page {
    process_counters words;
    char bytes[file_size];
};
alignas(64) constinit own_page own{.bytes = {}};

constinit std::atomic<process_counters *> current{&own.words};

// The file of the mapping: its name, what it is (the name may have been given to another since),
// and the process that made it (a child is not to remove it).
struct {
    path_text path;
    file_identity identity;
    std::uint32_t process;
    bool asked;
    bool open;
} constinit file{};

void set_identity(process_counters &words, const configuration &configuration) noexcept {
    words.magic = counters_magic;
    words.version = counters_version;
    words.pid = this_process();
    words.mode = static_cast<std::uint32_t>(configuration.mode);
    const program_name program;
    const std::size_t size = std::min(program.name().size(), sizeof words.program - 1);
    std::memset(words.program, 0, sizeof words.program);
    std::memcpy(words.program, program.name().data(), size);
}

void set_zero(process_counters &words) noexcept {
    for (const auto &one : named_counters)
        (words.*one.word).store(0, std::memory_order_relaxed);
    words.gave_up.store(0, std::memory_order_relaxed);
}

void warn_of_no_file(int error) noexcept {
    fixed_text<1000> sentence;
    sentence.add("SCRATCH_OUTPUT: no file ");
    sentence.add_quoted(file.path.bytes, 200);
    sentence.format(" (%s); statistics go to standard error", describe_error(error));
    log_raw("%.*s", static_cast<int>(sentence.view().size()), sentence.view().data());
}

int create_file_for(const configuration &configuration, char **environment) noexcept {
    const std::string_view content(own.bytes, sizeof own.bytes);
    file.asked = false;
    if (configuration.output != nullptr) {
        const int descriptor =
            create_asked_file(configuration.output, own.words.program, content, file.path);
        file.asked = descriptor >= 0;
        if (file.asked) return descriptor;
        if (configuration.log >= log_level::warn) {
            const std::uint64_t mark = mark_of_refusal(configuration.output, descriptor);
            if (own.words.refused_output != mark && !was_refused_before(environment, mark))
                warn_of_no_file(descriptor);
            own.words.refused_output = mark;
        }
    }
    return create_default_file(environment, content, file.path);
}

// A mapping of the file at `place` or anywhere, null on failure.
process_counters *map_file(int descriptor, void *place) noexcept {
    void *mapped = map_shared(place, file_size, descriptor);
    file.identity = identify(descriptor);
    file.process = this_process();
    file.open = mapped != nullptr;
    close_descriptor(descriptor);
    if (mapped == nullptr) remove_file(file.path.bytes);
    return static_cast<process_counters *>(mapped);
}

} // namespace

process_counters &counters() noexcept { return *current.load(std::memory_order_acquire); }

void open_counters(const configuration &configuration, char **environment, bool fresh) noexcept {
    process_counters *const before = &counters();
    const bool was_mapped = before != &own.words;
    if (fresh) {
        // Why the parent stood aside is true of its child as well.
        const auto reason = before->stood_aside.load(std::memory_order_relaxed);
        set_zero(own.words);
        own.words.stood_aside.store(reason, std::memory_order_relaxed);
        file.open = false;
    }
    set_identity(own.words, configuration);

    // A child puts its mapping over its parent's, so that references into that stay good and
    // nothing that it counts reaches the parent.
    void *const place = was_mapped ? before : nullptr;
    const int descriptor = create_file_for(configuration, environment);
    process_counters *mapped = descriptor < 0 ? nullptr : map_file(descriptor, place);
    if (mapped == nullptr && was_mapped) {
        mapped = static_cast<process_counters *>(map_shared(place, file_size, -1));
        if (mapped != nullptr) std::memcpy(static_cast<void *>(mapped), own.bytes, file_size);
    }
    if (mapped == nullptr) {
        current.store(&own.words, std::memory_order_release);
        return;
    }
    current.store(mapped, std::memory_order_release);
}

void close_counters() noexcept {
    if (!file.open || file.asked || file.process != this_process()) return;
    file.open = false;
    // After a chroot, or under another mount, the name may be somebody else's.
    if (identify(file.path.bytes).same_file(file.identity)) remove_file(file.path.bytes);
}

const char *asked_output_path() noexcept {
    return file.open && file.asked && file.process == this_process() ? file.path.bytes : nullptr;
}

} // namespace scratch::shim
