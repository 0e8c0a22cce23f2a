#include "shim/lifecycle/configuration.hpp"

#include "shim/heap/chunk.hpp"
#include "shim/lifecycle/preload_list.hpp"
#include "shim/lifecycle/preload_variable.hpp"
#include "shim/lifecycle/privilege.hpp"
#include "shim/observe/log.hpp"
#include "shim/observe/plain_text.hpp"
#include "shim/observe/program_name.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

namespace scratch::shim {

namespace {

// Names are arrays, not pointers: a pointer in a table is a relocation at every start of a program.
template <typename value_type>
struct choice {
    char name[12];
    value_type value;
    bool built = true;
};

constexpr choice<run_mode> modes[] = {
    {"off", run_mode::off},
    {"scoped", run_mode::scoped},
    {"adaptive", run_mode::adaptive},
    {"profile", run_mode::profile, false},
    {"record", run_mode::record, false},
    {"check", run_mode::check},
};
constexpr choice<log_level> log_levels[] = {
    {"off", log_level::off},   {"error", log_level::error}, {"warn", log_level::warn},
    {"info", log_level::info}, {"debug", log_level::debug},
};
constexpr choice<statistics_format> statistics_formats[] = {
    {"0", statistics_format::none},
    {"1", statistics_format::text},
    {"json", statistics_format::json},
};
constexpr choice<bool> yes_or_no[] = {{"0", false}, {"1", true}};

template <typename value_type>
using choices = std::span<const choice<value_type>>;

template <typename value_type>
const choice<value_type> *find_name(choices<value_type> among, std::string_view name) noexcept {
    for (const auto &one : among)
        if (name == one.name) return &one;
    return nullptr;
}

template <typename value_type>
const choice<value_type> *find_value(choices<value_type> among, value_type value) noexcept {
    for (const auto &one : among)
        if (one.value == value) return &one;
    return nullptr;
}

// The names that can be used now, as "a, b or c".
template <typename value_type>
void add_names(plain_text &text, choices<value_type> among) noexcept {
    const auto count =
        std::count_if(among.begin(), among.end(), [](auto &one) { return one.built; });
    std::ptrdiff_t nth = 0;
    for (const auto &one : among) {
        if (!one.built) continue;
        if (nth != 0) text.add(nth + 1 == count ? " or " : ", ");
        text.add(one.name);
        ++nth;
    }
}

// The value of a variable, null where it is not set.
char *find_variable(char **environment, std::string_view name) noexcept {
    if (environment == nullptr) return nullptr;
    for (char **entry = environment; *entry != nullptr; ++entry) {
        const std::string_view whole(*entry);
        if (whole.size() > name.size() && whole.starts_with(name) && whole[name.size()] == '=')
            return *entry + name.size() + 1;
    }
    return nullptr;
}

// What warnings have in common: they name the variable, and obey SCRATCH_LOG.
class reader {
public:
    explicit reader(char **environment) noexcept : environment_(environment) {}

    void set_level(log_level level) noexcept { level_ = level; }

    const char *value_of(const char *name) const noexcept {
        return find_variable(environment_, name);
    }

    void warn(const char *name, const char *value, std::string_view what) const noexcept {
        if (level_ < log_level::warn) return;
        fixed_text<512> sentence;
        sentence.format("%s=", name);
        sentence.add_quoted(value);
        sentence.add(what);
        log_raw("%.*s", static_cast<int>(sentence.view().size()), sentence.view().data());
    }

    template <typename value_type>
    value_type read_choice(const char *name, choices<value_type> among,
                           value_type standard) const noexcept {
        const char *value = value_of(name);
        if (value == nullptr) return standard;
        const choice<value_type> *found = find_name(among, value);
        if (found != nullptr && found->built) return found->value;
        fixed_text<256> what;
        what.add(found != nullptr ? " is not built yet (accepted now: "
                                  : " is not known (accepted: ");
        add_names(what, among);
        what.format("); the default %s is used", find_value(among, standard)->name);
        warn(name, value, what.view());
        return standard;
    }

private:
    char **environment_;
    log_level level_ = log_level::warn;
};

enum class byte_count_error { none, not_a_number, too_large, too_small };

byte_count_error parse_bytes(std::string_view text, std::size_t &result) noexcept {
    std::size_t number = 0;
    std::size_t at = 0;
    bool overflow = false;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
        overflow |= __builtin_mul_overflow(number, std::size_t{10}, &number);
        overflow |=
            __builtin_add_overflow(number, static_cast<std::size_t>(text[at] - '0'), &number);
    }
    if (at == 0) return byte_count_error::not_a_number;
    text.remove_prefix(at);
    if (!text.empty()) {
        constexpr std::string_view units = "KMG";
        const auto upper = static_cast<char>(text[0] >= 'a' ? text[0] - 'a' + 'A' : text[0]);
        const std::size_t unit = units.find(upper);
        if (unit == units.npos || (text.size() > 1 && text.substr(1) != "iB"))
            return byte_count_error::not_a_number;
        const std::size_t factor = std::size_t{1} << (10 * (unit + 1));
        overflow |= __builtin_mul_overflow(number, factor, &number);
    }
    // An object cannot be larger than what a difference of pointers can hold.
    if (overflow || number > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()))
        return byte_count_error::too_large;
    // With less no block would ever stand on a stack.
    if (number < chunk_size) return byte_count_error::too_small;
    result = number;
    return byte_count_error::none;
}

const char *describe(byte_count_error error) noexcept {
    switch (error) {
    case byte_count_error::too_large:
        return " is more than a process can hold";
    case byte_count_error::too_small:
        return " is less than one chunk of a stack";
    default:
        return " is not a number of bytes";
    }
}

std::size_t read_budget(const reader &from, std::size_t standard) noexcept {
    const char *name = "SCRATCH_BUDGET";
    const char *value = from.value_of(name);
    if (value == nullptr) return standard;
    std::size_t budget = 0;
    const byte_count_error error = parse_bytes(value, budget);
    if (error == byte_count_error::none) return budget;
    fixed_text<256> what;
    what.add(describe(error));
    what.format(" (accepted: digits with K, M or G behind them where wanted, such as 512K, and no "
                "less than %zuK); the default %zuM is used",
                chunk_size >> 10, standard >> 20);
    from.warn(name, value, what.view());
    return standard;
}

// The pattern as it is, or null where it cannot be used.
const char *read_output(const reader &from) noexcept {
    const char *name = "SCRATCH_OUTPUT";
    const char *value = from.value_of(name);
    if (value == nullptr) return nullptr;
    const std::string_view pattern(value);
    if (pattern.empty()) {
        from.warn(name, value,
                  " names no file (accepted: a path, in which %e is the program and %p "
                  "the process); no file is written");
        return nullptr;
    }
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        if (pattern[at] != '%') continue;
        ++at;
        if (at < pattern.size() &&
            std::string_view("ep%").find(pattern[at]) != std::string_view::npos)
            continue;
        from.warn(name, value,
                  " has a % without a meaning (accepted: %e the program, %p the process, "
                  "%% a percent sign); no file is written");
        return nullptr;
    }
    return value;
}

bool is_excluded(const char *names) noexcept {
    if (names == nullptr) return false;
    const program_name program;
    constexpr std::string_view separators = " ,:";
    std::string_view rest(names);
    while (!rest.empty()) {
        const std::size_t size = std::min(rest.find_first_of(separators), rest.size());
        if (program.is(rest.substr(0, size))) return true;
        rest.remove_prefix(std::min(size + 1, rest.size()));
    }
    return false;
}

void warn_of_what_is_not_used(const reader &from, bool profile_asked, run_mode mode) noexcept {
    const char *profile = from.value_of("SCRATCH_PROFILE");
    if (profile != nullptr && profile_asked)
        from.warn("SCRATCH_PROFILE", profile, " is not used: profiles are not built yet");
    // Rules name functions, which are found and hooked before a program starts.
    const char *rules = from.value_of("SCRATCH_RULES");
    const char *preloaded = from.value_of(preload_variable);
    if (rules != nullptr && *rules != 0 && mode != run_mode::off &&
        (preloaded == nullptr || !has_hook_object(preloaded)))
        from.warn("SCRATCH_RULES", rules,
                  " is not used: rules are read by `scratch run` and `scratch env`, and this "
                  "program was started without them");
}

// Takes every entry of a variable out of the environment, in place.
void forget_variable(char **environment, std::string_view name) noexcept {
    char **kept = environment;
    for (char **entry = environment; *entry != nullptr; ++entry) {
        const std::string_view whole(*entry);
        if (whole.size() > name.size() && whole.starts_with(name) && whole[name.size()] == '=')
            continue;
        *kept++ = *entry;
    }
    *kept = nullptr;
}

// What a shim is told by. SCRATCH_LIBRARY is none of them: it says to `scratch` where the shim is.
constexpr char own_variables[][16] = {
    "SCRATCH_MODE",   "SCRATCH_PROFILE", "SCRATCH_BUDGET", "SCRATCH_OUTPUT",  "SCRATCH_STATS",
    "SCRATCH_FOLLOW", "SCRATCH_LOG",     "SCRATCH_RULES",  "SCRATCH_EXCLUDE", "SCRATCH_CHECK"};

} // namespace

configuration read_configuration(char **environment) noexcept {
    configuration result;
    if (is_privileged()) {
        result.mode = run_mode::off;
        return result;
    }
    reader from(environment);
    result.log = from.read_choice<log_level>("SCRATCH_LOG", log_levels, result.log);
    from.set_level(result.log);
    result.mode = from.read_choice<run_mode>("SCRATCH_MODE", modes, result.mode);
    result.budget = read_budget(from, result.budget);
    result.statistics =
        from.read_choice<statistics_format>("SCRATCH_STATS", statistics_formats, result.statistics);
    result.follow = from.read_choice<bool>("SCRATCH_FOLLOW", yes_or_no, result.follow);
    result.output = read_output(from);
    // No child could use it either, and each would say so again.
    if (result.output == nullptr && environment != nullptr)
        forget_variable(environment, "SCRATCH_OUTPUT");

    const char *mode_as_given = from.value_of("SCRATCH_MODE");
    const bool profile_asked =
        mode_as_given != nullptr && std::strcmp(mode_as_given, "profile") == 0;
    warn_of_what_is_not_used(from, profile_asked, result.mode);

    if (is_excluded(from.value_of("SCRATCH_EXCLUDE"))) {
        result.mode = run_mode::off;
        result.statistics = statistics_format::none;
        result.output = nullptr;
    }
    return result;
}

void stop_following(char **environment) noexcept {
    if (environment == nullptr) return;
    char *list = find_variable(environment, preload_variable);
    const char *own_path = path_of_own_object();
    if (list != nullptr && own_path != nullptr && remove_preload_entry(list, own_path) != 0 &&
        std::string_view(list).find_first_not_of(preload_separators) == std::string_view::npos)
        forget_variable(environment, preload_variable);
    for (const auto &name : own_variables)
        forget_variable(environment, name);
}

} // namespace scratch::shim
