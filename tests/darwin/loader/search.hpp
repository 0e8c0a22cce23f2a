// Where libraries are found by the names that images call them.
#pragma once

#include "image.hpp"

#include <string>
#include <vector>

namespace darwin {

/// The system's own libraries have no file here.
bool is_of_system(const std::string &name);

/// The files that a name may mean, in the order in which dyld tries them.
std::vector<std::string> candidates(const std::string &name, const image *loader,
                                    const image *program, const std::vector<std::string> &folders);

/// Without links, . and ..; as it is where there is no such file.
std::string canonical(const std::string &path);

} // namespace darwin
