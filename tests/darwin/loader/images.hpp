// The list behind process.hpp's questions; only loading changes it.
#pragma once

#include "process.hpp"

namespace darwin::images {

/// Makes an image known to lookups, behind all others.
void publish(image *added);
void publish_of_system(image *added);
void set_program(image *program);
void set_system(process::system_lookup lookup);

const std::vector<image *> &of_system();

} // namespace darwin::images
