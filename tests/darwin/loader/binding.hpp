// Names become addresses, interposed where an inserted library says so.
#pragma once

#include "fixups.hpp"

namespace darwin {

/// Binds the image's table of what it interposes, and remembers it. Nothing for images without one.
void bind_interposing(const image &image, const std::vector<bind_request> &requests);

/// Binds everything. A name that nobody has becomes a function that stops the program and says so
/// when it is called, unless the image does without it.
void bind(const image &image, const std::vector<bind_request> &requests);

} // namespace darwin
