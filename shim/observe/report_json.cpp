#include "shim/lifecycle/configuration.hpp"
#include "shim/observe/counters.hpp"
#include "shim/observe/plain_text.hpp"
#include "shim/observe/report_text.hpp"

#include <cinttypes>
#include <cstring>

namespace scratch::shim {

namespace {

constexpr std::size_t longest_name = 256;
constexpr std::size_t longest_label = 128;

// The size of the UTF-8 sequence at the start of `bytes`, 0 where there is none (RFC 3629: shortest
// form, no surrogates, up to U+10FFFF).
std::size_t sequence_size(std::string_view bytes) noexcept {
    const auto byte = [&](std::size_t at) {
        return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0u;
    };
    const auto continues = [&](std::size_t at) { return (byte(at) & 0xc0u) == 0x80; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (first == 0xe0 && byte(1) < 0xa0) return 0;
        if (first == 0xed && byte(1) > 0x9f) return 0;
        return continues(1) && continues(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (first == 0xf0 && byte(1) < 0x90) return 0;
        if (first == 0xf4 && byte(1) > 0x8f) return 0;
        return continues(1) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

const char *true_or_false(bool value) noexcept { return value ? "true" : "false"; }

void add_string_or_null(plain_text &text, const char *string) noexcept {
    if (string == nullptr)
        text.add("null");
    else
        add_json_string(text, string, longest_name);
}

void add_site(plain_text &text, const site_line &site) noexcept {
    const site_place place = find_place(site.caller);
    text.format("{\"address\":\"0x%zx\",\"module\":", site.caller);
    add_string_or_null(text, place.module);
    text.format(",\"offset\":\"0x%zx\",\"symbol\":", place.module_offset);
    add_string_or_null(text, place.symbol);
    text.format(",\"symbol_offset\":%zu,\"calls\":%" PRIu64 ",\"bytes\":%" PRIu64
                ",\"escapes\":%" PRIu64 ",\"routed\":%s,\"demoted\":%s,\"depths\":%u}",
                place.symbol_offset, site.calls, site.bytes, site.escapes,
                true_or_false(site.routed), true_or_false(site.demoted), unsigned{site.depths});
}

void add_hooked(plain_text &text, std::span<const hook_line> hooked) noexcept {
    const char *before = ",\"hooked\":[";
    for (const hook_line &one : hooked) {
        text.add(before);
        before = ",";
        text.add("{\"label\":");
        add_json_string(text, one.label, longest_label);
        text.format(",\"kind\":\"%s\",\"calls\":%" PRIu64 "}", one.kind, one.calls);
    }
    text.add(']');
}

} // namespace

void add_json_string(plain_text &text, const char *string, std::size_t most) noexcept {
    std::string_view rest(string, ::strnlen(string, most));
    text.add('"');
    while (!rest.empty()) {
        const std::size_t size = sequence_size(rest);
        const auto first = static_cast<unsigned char>(rest[0]);
        if (size == 0)
            text.add("\\ufffd");
        else if (first < 0x20 || first == 0x7f)
            text.format("\\u%04x", unsigned{first});
        else if (first == '"' || first == '\\')
            text.format("\\%c", first);
        else
            text.add(rest.substr(0, size));
        rest.remove_prefix(size == 0 ? 1 : size);
    }
    text.add('"');
}

void add_report_as_json(plain_text &text, const report_content &content) noexcept {
    const process_counters &totals = content.totals;
    text.add("{\"scratch\":1,\"program\":");
    add_json_string(text, totals.program, sizeof totals.program);
    text.format(",\"pid\":%u,\"mode\":\"%s\",\"stood_aside\":", totals.pid,
                name_of_mode(totals.mode));
    const std::uint32_t reason = totals.stood_aside.load(std::memory_order_relaxed);
    add_string_or_null(text, reason == 0 ? nullptr : name_of_reason(reason));
    text.format(",\"gave_up\":%s,\"nothing_gained\":%s,\"budget_bytes\":%zu",
                true_or_false(totals.gave_up.load(std::memory_order_relaxed) != 0),
                true_or_false(nothing_gained(totals)), content.options.budget);
    for (const named_counter &one : named_counters)
        text.format(",\"%s\":%" PRIu64, one.name,
                    (totals.*one.word).load(std::memory_order_relaxed));
    text.add(",\"sites\":[");
    bool first = true;
    for (const site_line *site : content.sites) {
        if (!first) text.add(',');
        first = false;
        add_site(text, *site);
    }
    text.add(']');
    if (!content.hooked.empty()) add_hooked(text, content.hooked);
    text.format(",\"sampled_one_in\":[%u,%u],\"counted\":%s}", unsigned{content.of_sites.first},
                unsigned{content.of_sites.longest}, true_or_false(calls_counted(totals)));
}

} // namespace scratch::shim
