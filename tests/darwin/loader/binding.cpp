#include "binding.hpp"

#include "missing.hpp"
#include "process.hpp"

namespace darwin {
namespace {

struct replacement {
    const image *interposer;
    std::uintptr_t to;
    std::uintptr_t from;
};

std::vector<replacement> &replacements = *new std::vector<replacement>;

std::uintptr_t address_of(const image &from, const bind_request &request) {
    switch (request.ordinal) {
    case format::ordinal::self:
        return process::exported(from, request.name);
    case format::ordinal::main_executable:
        return process::exported(*process::program(), request.name);
    case format::ordinal::flat_lookup:
        return process::find(request.name);
    case format::ordinal::weak_lookup: {
        const std::uintptr_t found = process::find_coalesced(request.name);
        return found != 0 ? found : process::find_in_system(request.name);
    }
    default:
        break;
    }
    const auto index = static_cast<std::size_t>(request.ordinal) - 1;
    if (request.ordinal < 0 || index >= from.dylibs.size())
        throw refusal("it binds to a library that there is not");
    if (from.dylib_is_system[index]) return process::find_in_system(request.name);
    return from.dylibs[index] == nullptr ? 0 : process::exported(*from.dylibs[index], request.name);
}

void bind_one(const image &image, const bind_request &request) {
    std::uintptr_t address = address_of(image, request);
    if (address == 0) {
        // LC_DYLD_INFO has bound the word in another way already, or it holds the image's own
        // definition.
        if (request.ordinal == format::ordinal::weak_lookup && image.file().chained_fixups.empty())
            return;
        if (request.may_be_missing) {
            *request.word = 0;
            return;
        }
        address = function_for_missing(request.name, image.path);
    }
    *request.word = process::interposed(address, &image) + request.addend;
}

} // namespace

std::uintptr_t process::interposed(std::uintptr_t address, const image *user) {
    for (const replacement &at : replacements)
        if (at.from == address && at.interposer != user) return at.to;
    return address;
}

void *process::interposed_for_system(void *address) {
    return reinterpret_cast<void *>(interposed(reinterpret_cast<std::uintptr_t>(address), nullptr));
}

void bind_interposing(const image &image, const std::vector<bind_request> &requests) {
    for (const section_part &section : image.file().sections) {
        const bool is_table =
            section.type == format::section_type::interposing ||
            (section.name == "__interpose" && section.segment_name.starts_with("__DATA"));
        if (!is_table || section.size == 0) continue;
        auto *const first = reinterpret_cast<std::uintptr_t *>(image.memory(section));
        const std::size_t words = section.size / sizeof(std::uintptr_t);
        if (reinterpret_cast<std::uintptr_t>(first) % sizeof(std::uintptr_t) != 0 || words % 2 != 0)
            throw refusal("its table of what it interposes is damaged");
        for (const bind_request &request : requests)
            if (request.word >= first && request.word < first + words) bind_one(image, request);
        for (std::size_t index = 0; index < words; index += 2)
            // What the system does not have cannot be called either.
            if (first[index] != 0 && first[index + 1] != 0)
                replacements.push_back({&image, first[index], first[index + 1]});
    }
}

void bind(const image &image, const std::vector<bind_request> &requests) {
    for (const bind_request &request : requests)
        bind_one(image, request);
}

} // namespace darwin
