#include "shim/observe/counters_file.hpp"

#include "shim/observe/common_folder.hpp"
#include "shim/observe/counters.hpp"
#include "shim/observe/plain_text.hpp"

#include <cerrno>
#include <cstring>

namespace scratch::shim {

namespace {

// Private to the user: what programs allocate, and where, is nobody else's business.
constexpr unsigned private_file = 0600;
constexpr unsigned ordinary_file = 0666;
// After so many living processes with the same file name something else is wrong.
constexpr unsigned most_companions = 1000;

bool finish(plain_text &text) noexcept {
    text.add('\0');
    return !text.cut();
}

// Creates the file whole or not at all. Writing the bytes, rather than setting a size, makes the
// file system set the space aside: a page of a hole would cost a SIGBUS when the file system is
// full.
int create_with(const char *path, unsigned permissions, std::string_view content) noexcept {
    const int descriptor = create_file(path, permissions);
    if (descriptor < 0) return descriptor;
    if (write_whole(descriptor, content)) return descriptor;
    close_descriptor(descriptor);
    remove_file(path);
    return -ENOSPC;
}

enum class earlier_file { foreign, of_living_process, of_dead_process };

// Reports of mode check grow while their process lives, and say which that is. 0: none.
std::uint32_t reporting_process(std::string_view text) noexcept {
    constexpr std::string_view before = ",\"pid\":";
    constexpr std::string_view behind = ",\"mode\":\"check\"";
    const std::size_t at = text.find(before);
    if (at == std::string_view::npos) return 0;
    text.remove_prefix(at + before.size());
    std::uint32_t process = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        process = process * 10 + static_cast<std::uint32_t>(text.front() - '0');
        text.remove_prefix(1);
    }
    return text.starts_with(behind) ? process : 0;
}

// Whose file stands where ours should go.
earlier_file judge_earlier(const char *path) noexcept {
    const int descriptor = open_to_read(path);
    if (descriptor < 0) return earlier_file::foreign;
    const file_identity file = identify(descriptor);
    // A report's head has the program's name in it, its signs escaped.
    char bytes[2048];
    static_assert(sizeof bytes >= offsetof(process_counters, program));
    const long size = read_start(descriptor, bytes, sizeof bytes);
    close_descriptor(descriptor);
    if (!file.regular || file.owner != this_user() || size < 0) return earlier_file::foreign;

    const std::string_view text(bytes, static_cast<std::size_t>(size));
    for (const std::string_view beginning : report_beginnings) {
        if (!text.starts_with(beginning)) continue;
        const std::uint32_t reporting = reporting_process(text);
        return reporting != 0 && process_may_live(reporting) ? earlier_file::of_living_process
                                                             : earlier_file::of_dead_process;
    }
    // Nothing can be lost in an empty file.
    if (size == 0) return earlier_file::of_dead_process;
    std::uint64_t magic;
    std::uint32_t process;
    if (text.size() < offsetof(process_counters, program)) return earlier_file::foreign;
    std::memcpy(&magic, bytes + offsetof(process_counters, magic), sizeof magic);
    std::memcpy(&process, bytes + offsetof(process_counters, pid), sizeof process);
    if (magic != counters_magic) return earlier_file::foreign;
    return process_may_live(process) ? earlier_file::of_living_process
                                     : earlier_file::of_dead_process;
}

bool name_default_file(const char *folder, std::uint32_t process, path_text &path) noexcept {
    plain_text name(path.bytes, sizeof path.bytes);
    name.format("%s/scratch-%u-%u", folder, this_user(), process);
    return finish(name);
}

bool says_refused(const char *path, std::uint32_t process, std::uint64_t mark) noexcept {
    const int descriptor = open_to_read(path);
    if (descriptor < 0) return false;
    const file_identity file = identify(descriptor);
    process_counters read;
    const long size = read_start(descriptor, reinterpret_cast<char *>(&read), sizeof read);
    close_descriptor(descriptor);
    return file.regular && file.owner == this_user() && size == long{sizeof read} &&
           read.magic == counters_magic && read.version == counters_version &&
           read.pid == process && read.refused_output == mark;
}

// `folder` must belong to this user, or be one where nobody else can remove our file.
int create_in(const char *folder, std::string_view content, path_text &path) noexcept {
    if (!name_default_file(folder, this_process(), path)) return -ENAMETOOLONG;
    int descriptor = create_with(path.bytes, private_file, content);
    if (descriptor != -EEXIST) return descriptor;
    // It has our own number, so whoever made it is gone: a process that died, or this one before an
    // exec.
    const file_identity stale = identify(path.bytes);
    if (!stale.regular || stale.owner != this_user()) return descriptor;
    remove_file(path.bytes);
    return create_with(path.bytes, private_file, content);
}

const char *runtime_folder(char **environment) noexcept {
    constexpr std::string_view name = "XDG_RUNTIME_DIR=";
    if (environment == nullptr) return nullptr;
    for (char **entry = environment; *entry != nullptr; ++entry) {
        if (!std::string_view(*entry).starts_with(name)) continue;
        const char *folder = *entry + name.size();
        const file_identity found = identify_target(folder);
        return folder[0] == '/' && found.folder && found.owner == this_user() ? folder : nullptr;
    }
    return nullptr;
}

// A sixteenth of all processes: each leaves one file at most and one sweep removes up to a hundred,
// so they stay few, at little cost for each start. By a hash (Knuth's multiplicative), since
// numbers come in steps.
bool is_turn_to_sweep() noexcept { return this_process() * 2654435761u >> 28 == 0; }

void add_pattern(plain_text &text, const char *pattern, std::string_view program) noexcept {
    for (const char *at = pattern; *at != 0; ++at) {
        if (*at != '%') {
            text.add(*at);
            continue;
        }
        switch (*++at) {
        case 'e':
            text.add(program);
            break;
        case 'p':
            text.add_unsigned(this_process());
            break;
        default:
            text.add('%');
        }
        if (*at == 0) break;
    }
}

} // namespace

int create_default_file(char **environment, std::string_view content, path_text &path) noexcept {
    const char *folder = runtime_folder(environment);
    int descriptor = folder != nullptr ? create_in(folder, content, path) : -ENOENT;
    if (descriptor < 0) {
        folder = common_folder();
        if (folder == nullptr) return descriptor;
        descriptor = create_in(folder, content, path);
    }
    if (is_turn_to_sweep()) remove_stale_files(folder);
    return descriptor;
}

int create_asked_file(const char *pattern, std::string_view program, std::string_view content,
                      path_text &path) noexcept {
    std::size_t length = 0;
    if (pattern[0] != '/') {
        // The program may change its folder before the report replaces the file.
        length = current_folder(path.bytes, sizeof path.bytes).size();
        if (length == 0) return -ENOENT;
        path.bytes[length++] = '/';
    }
    plain_text name(path.bytes + length, sizeof path.bytes - length);
    add_pattern(name, pattern, program);
    length += name.view().size();
    for (unsigned companion = 0; companion <= most_companions; ++companion) {
        plain_text ending(path.bytes + length, sizeof path.bytes - length);
        if (companion != 0) ending.format(".%u", companion);
        if (name.cut() || !finish(ending)) return -ENAMETOOLONG;
        int descriptor = create_with(path.bytes, ordinary_file, content);
        if (descriptor != -EEXIST) return descriptor;
        const earlier_file earlier = judge_earlier(path.bytes);
        if (earlier == earlier_file::of_living_process) continue;
        if (earlier == earlier_file::foreign) return descriptor;
        remove_file(path.bytes);
        descriptor = create_with(path.bytes, ordinary_file, content);
        if (descriptor != -EEXIST) return descriptor; // else another process was faster: next name
    }
    return -EEXIST;
}

std::uint64_t mark_of_refusal(const char *pattern, int error) noexcept {
    // FNV-1a.
    std::uint64_t mark = 0xcbf29ce484222325u ^ static_cast<std::uint64_t>(-error);
    for (const char *at = pattern; *at != 0; ++at)
        mark = (mark ^ static_cast<unsigned char>(*at)) * 0x100000001b3u;
    return mark | 1;
}

bool was_refused_before(char **environment, std::uint64_t mark) noexcept {
    static constinit path_text path{};
    const char *const folders[] = {runtime_folder(environment), common_folder()};
    const std::uint32_t processes[] = {this_process(), parent_process()};
    for (const char *folder : folders) {
        for (const std::uint32_t process : processes) {
            if (folder == nullptr || !name_default_file(folder, process, path)) continue;
            if (says_refused(path.bytes, process, mark)) return true;
        }
    }
    return false;
}

const char *describe_error(int error) noexcept {
    switch (error < 0 ? -error : error) {
    case EACCES:
    case EPERM:
        return "no permission";
    case EEXIST:
        return "there is a file that scratch did not write";
    case EISDIR:
        return "it is a folder";
    case ELOOP:
        return "it is a symbolic link";
    case EMFILE:
    case ENFILE:
        return "no descriptor is free";
    case ENAMETOOLONG:
        return "the name is too long";
    case ENOENT:
        return "there is no such folder";
    case ENOMEM:
        return "no memory to map it";
    case ENOSPC:
        return "no space, or a limit on file sizes";
    case ENOTDIR:
        return "a part of the path is no folder";
    case EROFS:
        return "the file system is read-only";
    default:
        return "the system refused it";
    }
}

} // namespace scratch::shim
