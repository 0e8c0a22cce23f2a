// Runs programs for macOS and looks at what they did.
#pragma once

#include <string>
#include <vector>

struct outcome {
    int status = -1; // of wait
    std::string output;
    std::string error;

    bool exited_with(int code) const;
    /// How it ended and what it wrote, for messages.
    std::string describe() const;
};

/// The file of a small program or library that the build has made for macOS (programs/).
std::string built(const std::string &name);

/// dyld_on_linux with these arguments, the program's name among them.
outcome run_loader(const std::vector<std::string> &arguments,
                   const std::vector<std::string> &environment = {});

/// The small program of this name.
outcome run_program(const std::string &name, const std::vector<std::string> &arguments = {});
