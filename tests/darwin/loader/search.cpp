#include "search.hpp"

#include <filesystem>

namespace darwin {
namespace {

std::string folder_of(const image &image) {
    return std::filesystem::path(image.path).parent_path().string();
}

/// With the words that stand for folders written out.
std::string expanded(const std::string &name, const image *loader, const image *program) {
    const std::string first = name.substr(0, name.find('/'));
    const image *const from = first == "@loader_path"       ? loader
                              : first == "@executable_path" ? program
                                                            : nullptr;
    return from != nullptr ? folder_of(*from) + name.substr(first.size()) : name;
}

} // namespace

bool is_of_system(const std::string &name) {
    return name.starts_with("/usr/lib/system/") || name == "/usr/lib/libSystem.B.dylib" ||
           name == "/usr/lib/libc++.1.dylib" || name == "/usr/lib/libc++abi.dylib";
}

std::vector<std::string> candidates(const std::string &name, const image *loader,
                                    const image *program, const std::vector<std::string> &folders) {
    std::vector<std::string> result;
    for (const std::string &folder : folders)
        result.push_back(folder + "/" + std::filesystem::path(name).filename().string());
    const std::string by_rpath = "@rpath/";
    if (!name.starts_with(by_rpath)) {
        result.push_back(expanded(name, loader, program));
        return result;
    }
    for (const image *from : {loader, program}) {
        if (from == nullptr) continue;
        for (const std::string &rpath : from->file().rpaths)
            result.push_back(expanded(rpath, from, program) + "/" + name.substr(by_rpath.size()));
        if (loader == program) break;
    }
    return result;
}

std::string canonical(const std::string &path) {
    std::error_code missing;
    const std::filesystem::path result = std::filesystem::canonical(path, missing);
    return missing ? path : result.string();
}

} // namespace darwin
