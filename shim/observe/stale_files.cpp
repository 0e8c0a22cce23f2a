#include "shim/observe/counters_file.hpp"
#include "shim/observe/plain_text.hpp"

namespace scratch::shim {

namespace {

struct sweep {
    const char *folder;
    char prefix_room[32];
    std::string_view prefix;
};

// The number that `digits` are, 0 where they are none: no file of ours has the number 0.
std::uint32_t process_number(std::string_view digits) noexcept {
    std::uint32_t number = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9' || number > 99'999'999) return 0;
        number = number * 10 + static_cast<std::uint32_t>(digit - '0');
    }
    return number;
}

void remove_if_stale(void *context, const char *name) noexcept {
    const auto &wanted = *static_cast<const sweep *>(context);
    std::string_view rest(name);
    if (!rest.starts_with(wanted.prefix)) return;
    rest.remove_prefix(wanted.prefix.size());
    const std::uint32_t process = process_number(rest);
    if (process == 0 || process_may_live(process)) return;
    fixed_text<512> path;
    path.format("%s/%s", wanted.folder, name);
    path.add('\0');
    if (path.cut()) return;
    const file_identity found = identify(path.view().data());
    if (found.regular && found.owner == this_user()) remove_file(path.view().data());
}

} // namespace

void remove_stale_files(const char *folder) noexcept {
    sweep wanted{folder, {}, {}};
    plain_text prefix(wanted.prefix_room, sizeof wanted.prefix_room);
    prefix.format("scratch-%u-", this_user());
    wanted.prefix = prefix.view();
    visit_some_names(folder, remove_if_stale, &wanted);
}

} // namespace scratch::shim
