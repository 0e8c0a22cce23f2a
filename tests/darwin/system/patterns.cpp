// Regular expressions: the host's, behind structures and flags of other shapes.
#include "names.hpp"

#include <cstdint>
#include <regex.h>
#include <vector>

namespace darwin::patterns {
namespace {

struct pattern {
    int magic;
    std::size_t groups;
    const char *end;
    regex_t *of_host;
};

struct match {
    std::int64_t first;
    std::int64_t end;
};

constexpr int without_groups = 4;
constexpr int with_lines = 8;

int compile(pattern *made, const char *text, int flags) {
    int host = flags & (REG_EXTENDED | REG_ICASE);
    if ((flags & without_groups) != 0) host |= REG_NOSUB;
    if ((flags & with_lines) != 0) host |= REG_NEWLINE;
    *made = {0, 0, nullptr, new regex_t{}};
    const int result = regcomp(made->of_host, text, host);
    made->groups = made->of_host->re_nsub;
    if (result != 0) {
        delete made->of_host;
        made->of_host = nullptr;
    }
    return result;
}

int execute(const pattern *wanted, const char *text, std::size_t count, match *matches, int flags) {
    std::vector<regmatch_t> host(count);
    const int result =
        regexec(wanted->of_host, text, count, host.data(), flags & (REG_NOTBOL | REG_NOTEOL));
    for (std::size_t index = 0; result == 0 && index < count; ++index)
        matches[index] = {host[index].rm_so, host[index].rm_eo};
    return result;
}

void give_back(pattern *gone) {
    if (gone->of_host == nullptr) return;
    regfree(gone->of_host);
    delete gone->of_host;
    gone->of_host = nullptr;
}

} // namespace
} // namespace darwin::patterns

namespace darwin::system {

std::span<const entry> pattern_names() {
    using namespace darwin::patterns;
    static const entry names[] = {
        function("regcomp", compile),
        function("regexec", execute),
        function("regfree", give_back),
    };
    return names;
}

} // namespace darwin::system
