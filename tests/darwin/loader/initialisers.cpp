#include "initialisers.hpp"

namespace darwin {
namespace {

program_arguments known;

using initialiser = void (*)(int, char **, char **, char **, const void *);

/// The functions of one section, as addresses.
std::vector<std::uintptr_t> functions_in(const image &image, const section_part &section) {
    std::vector<std::uintptr_t> functions;
    const byte_view contents(image.memory(section), section.size);
    if (section.type == format::section_type::initialiser_pointers)
        for (std::uint64_t at = 0; at + 8 <= section.size; at += 8)
            functions.push_back(read_at<std::uint64_t>(contents, at, "an initialiser"));
    if (section.type == format::section_type::initialiser_offsets)
        for (std::uint64_t at = 0; at + 4 <= section.size; at += 4)
            functions.push_back(read_at<std::uint32_t>(contents, at, "an initialiser") +
                                reinterpret_cast<std::uintptr_t>(image.header()));
    return functions;
}

} // namespace

void remember_arguments(int count, char **arguments, char **environment,
                        const std::string &executable) {
    static char *apple[2] = {};
    apple[0] = (new std::string("executable_path=" + executable))->data();
    known = {count, arguments, environment, apple};
}

const program_arguments &arguments_of_program() { return known; }

void check_initialisers(const image &image) {
    for (const section_part &section : image.file().sections)
        for (const std::uintptr_t function : functions_in(image, section))
            if (!image.contains(function)) throw refusal("an initialiser lies outside of it");
}

void initialise(image &image) {
    if (image.is_initialised) return;
    // Before the others, which may need this one in turn.
    image.is_initialised = true;
    for (darwin::image *const needed : image.dylibs)
        if (needed != nullptr) initialise(*needed);
    for (const section_part &section : image.file().sections)
        for (const std::uintptr_t function : functions_in(image, section))
            reinterpret_cast<initialiser>(function)(known.count, known.arguments, known.environment,
                                                    known.apple, nullptr);
}

} // namespace darwin
