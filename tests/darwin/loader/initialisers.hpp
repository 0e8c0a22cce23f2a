// The functions that run before the program, and what they are handed.
#pragma once

#include "image.hpp"

namespace darwin {

struct program_arguments {
    int count;
    char **arguments;
    char **environment;
    char **apple; // what the kernel tells besides: the path of the executable
};

/// Once, before anything of the program runs.
void remember_arguments(int count, char **arguments, char **environment,
                        const std::string &executable);
const program_arguments &arguments_of_program();

/// Refuses initialisers outside of the image; before anything runs.
void check_initialisers(const image &image);

/// Runs the image's, once, after those of what it needs.
void initialise(image &image);

} // namespace darwin
