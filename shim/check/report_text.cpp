#include "shim/check/report_text.hpp"

#include <string_view>

#include "shim/observe/plain_text.hpp"
#include "shim/observe/report_text.hpp"

namespace scratch::shim::check {

namespace {

constexpr std::size_t longest_string = 256;

void add_position(plain_text &text, const finding &found) noexcept {
    const record &block = *found.block;
    const std::uintptr_t begin = payload_of(block);
    const std::uintptr_t end = begin + block.size;
    const auto add_distance = [&](std::size_t bytes, const char *where) {
        text.format(", %zu byte%s %s a", bytes, plural(bytes), where);
    };
    if (found.address >= end && found.address > begin)
        add_distance(found.address - end, "behind the end of");
    else if (found.address < begin)
        add_distance(begin - found.address, "before the beginning of");
    else if (found.address > begin)
        add_distance(found.address - begin, "inside");
    else
        text.add(", the beginning of a");
    text.format(" block of %zu byte%s from %s", block.size, plural(block.size),
                name_of(block.made_by));
}

void add_frame(plain_text &text, std::uint32_t nth, const place_name &place) noexcept {
    text.format("    #%u ", nth);
    if (place.function[0] != 0)
        text.add(std::string_view(place.function));
    else
        text.format("0x%zx", place.address);
    if (place.file[0] != 0) text.format(" at %s:%u", place.file, place.line);
    if (place.module != nullptr) text.format(" in %s+0x%zx", place.module, place.offset);
    text.add('\n');
}

void add_survivors(plain_text &text, const finding &found) noexcept {
    text.format("%lu block%s, %lu byte%s", static_cast<unsigned long>(found.blocks),
                plural(found.blocks), static_cast<unsigned long>(found.bytes), plural(found.bytes));
}

void add_string_or_null(plain_text &text, const char *string) noexcept {
    if (string == nullptr || *string == 0)
        text.add("null");
    else
        add_json_string(text, string, longest_string);
}

void add_block(plain_text &text, const finding &found) noexcept {
    if (found.block == nullptr) {
        text.add("null");
        return;
    }
    const std::uintptr_t begin = payload_of(*found.block);
    text.format(
        "{\"address\":\"0x%zx\",\"size\":%zu,\"offset\":%zd,\"maker\":\"%s\",\"thread\":%u}", begin,
        found.block->size, static_cast<std::ptrdiff_t>(found.address - begin),
        name_of(found.block->made_by), found.block->thread);
}

void add_traces(plain_text &text, const report_content &content) noexcept {
    for (std::uint32_t i = 0; i < content.trace_count; ++i) {
        const titled_trace &trace = content.traces[i];
        text.add(i == 0 ? "{\"title\":" : ",{\"title\":");
        add_json_string(text, trace.title, longest_string);
        text.add(",\"frames\":[");
        for (std::uint32_t nth = 0; nth < trace.places.size(); ++nth) {
            const place_name &place = trace.places[nth];
            text.add(nth == 0 ? "{\"function\":" : ",{\"function\":");
            add_string_or_null(text, place.function);
            text.add(",\"file\":");
            add_string_or_null(text, place.file);
            if (place.line != 0)
                text.format(",\"line\":%u", place.line);
            else
                text.add(",\"line\":null");
            text.add(",\"module\":");
            add_string_or_null(text, place.module);
            text.format(",\"offset\":\"0x%zx\"}", place.offset);
        }
        text.add("]}");
    }
}

} // namespace

const char *name_of(defect kind) noexcept {
    switch (kind) {
    case defect::use_after_scope:
        return "use-after-scope";
    case defect::use_after_free:
        return "use-after-free";
    case defect::double_free:
        return "double-free";
    case defect::overflow:
        return "overflow";
    case defect::invalid_free:
        return "invalid-free";
    case defect::mismatched_free:
        return "mismatched-free";
    case defect::efault:
        return "efault";
    case defect::escape:
        return "escape";
    case defect::leak:
        return "leak";
    }
    return "unknown";
}

const char *name_of(maker by) noexcept {
    switch (by) {
    case maker::malloc:
        return "malloc";
    case maker::aligned:
        return "memalign";
    case maker::scalar_new:
        return "operator new";
    case maker::array_new:
        return "operator new[]";
    }
    return "unknown";
}

void add_as_text(plain_text &text, const report_content &content) noexcept {
    const finding &found = *content.found;
    text.format("scratch: %s: ", name_of(found.kind));
    if (found.kind == defect::escape) {
        add_survivors(text, found);
        text.format(", %s live when scope \"%s\" ended", found.blocks == 1 ? "was" : "were",
                    content.scope != nullptr ? content.scope : "");
    } else if (found.kind == defect::leak) {
        add_survivors(text, found);
        text.format(", %s live at exit", found.blocks == 1 ? "is" : "are");
    } else {
        text.format("%s at 0x%zx", found.what, found.address);
    }
    if (found.block != nullptr) add_position(text, found);
    text.format(" (process %u, thread %u)\n", content.process, content.thread);
    for (std::uint32_t i = 0; i < content.trace_count; ++i) {
        const titled_trace &trace = content.traces[i];
        const bool names_scope =
            content.scope != nullptr && trace.title == std::string_view("scope ended here");
        if (names_scope)
            text.format("  scope \"%s\" ended here:\n", content.scope);
        else
            text.format("  %s:\n", trace.title);
        for (std::uint32_t nth = 0; nth < trace.places.size(); ++nth)
            add_frame(text, nth, trace.places[nth]);
    }
}

void add_as_json(plain_text &text, const report_content &content) noexcept {
    const finding &found = *content.found;
    text.format("{\"kind\":\"%s\",\"pid\":%u,\"thread\":%u,\"action\":", name_of(found.kind),
                content.process, content.thread);
    add_string_or_null(text, found.what);
    if (found.address != 0)
        text.format(",\"address\":\"0x%zx\",\"block\":", found.address);
    else
        text.add(",\"address\":null,\"block\":");
    add_block(text, found);
    text.add(",\"scope\":");
    add_string_or_null(text, content.scope);
    text.format(",\"blocks\":%lu,\"bytes\":%lu,\"backtraces\":[",
                static_cast<unsigned long>(found.blocks), static_cast<unsigned long>(found.bytes));
    add_traces(text, content);
    text.add("]}");
}

} // namespace scratch::shim::check
