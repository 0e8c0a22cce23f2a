#include "process.hpp"

#include "binding.hpp"
#include "images.hpp"
#include "initialisers.hpp"
#include "search.hpp"
#include "thread_locals.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <unistd.h>

namespace darwin::process {
namespace {

std::vector<image *> &inserted_images = *new std::vector<image *>;
std::vector<std::string> &library_folders = *new std::vector<std::string>;
std::recursive_mutex &loading = *new std::recursive_mutex;

refusal about(const std::string &path, const std::string &reason) {
    return refusal(path + " cannot be loaded: " + reason);
}

/// Does the step, and names the image if it is refused.
template <typename Step>
void of_image(const image &at, const Step &step) {
    try {
        step();
    } catch (const refusal &reason) {
        throw about(at.path, reason.what());
    }
}

bool is_named(const image &at, const std::string &name) {
    return at.path == name || (!at.file().own_name.empty() && at.file().own_name == name);
}

image *loaded_already(const std::string &name) {
    for (std::size_t index = 0; index < image_count(); ++index)
        if (is_named(*image_at(index), name)) return image_at(index);
    for (image *const at : images::of_system())
        if (is_named(*at, name)) return at;
    return nullptr;
}

/// Images on their way in, that nobody finds yet.
class newcomers {
public:
    image *load(const std::string &path) {
        const std::string file = canonical(path);
        if (image *const known = find(file)) return known;
        try {
            images_.push_back(std::make_unique<image>(std::make_unique<const object_file>(file)));
        } catch (const refusal &reason) {
            throw about(path, reason.what());
        }
        return images_.back().get();
    }

    /// What they need, and what that needs.
    void load_needed(const image *program) {
        for (std::size_t index = 0; index < images_.size(); ++index)
            load_needed_by(*images_[index], program);
    }

    /// In the order in which they came.
    std::vector<image *> release() {
        std::vector<image *> result;
        for (std::unique_ptr<image> &at : images_)
            result.push_back(at.release());
        images_.clear();
        return result;
    }

private:
    image *find(const std::string &name) const {
        for (const std::unique_ptr<image> &at : images_)
            if (is_named(*at, name)) return at.get();
        return loaded_already(name);
    }

    void load_needed_by(image &from, const image *program) {
        for (const dylib_reference &reference : from.file().dylibs) {
            const bool is_system = is_of_system(reference.name);
            image *found = is_system ? nullptr : find(reference.name);
            if (!is_system && found == nullptr)
                for (const std::string &file :
                     candidates(reference.name, &from, program, library_folders))
                    if (access(file.c_str(), F_OK) == 0) {
                        found = load(file);
                        break;
                    }
            if (!is_system && found == nullptr && !reference.may_be_missing)
                throw about(from.path, "it needs " + reference.name + ", which is nowhere");
            from.dylib_is_system.push_back(is_system);
            from.dylibs.push_back(found);
        }
    }

    std::vector<std::unique_ptr<image>> images_;
};

/// All of them can be found by then. What the interposing ones replace holds for the others.
void bind_all(const std::vector<image *> &added) {
    std::vector<std::vector<bind_request>> requests(added.size());
    const auto each = [&](const auto &step) {
        for (std::size_t index = 0; index < added.size(); ++index)
            of_image(*added[index], [&] { step(*added[index], requests[index]); });
    };
    each([](image &at, std::vector<bind_request> &wanted) { wanted = apply_rebases(at); });
    each([](image &at, std::vector<bind_request> &wanted) { bind_interposing(at, wanted); });
    each([](image &at, std::vector<bind_request> &wanted) {
        bind(at, wanted);
        prepare_thread_locals(at);
        check_initialisers(at);
        at.protect();
    });
}

} // namespace

void load(const start &what, system_lookup system) {
    images::set_system(system);
    library_folders = what.library_folders;
    newcomers of_system;
    for (const std::string &path : what.system_libraries)
        of_system.load(path);
    of_system.load_needed(nullptr);
    for (image *const at : of_system.release())
        images::publish_of_system(at);

    newcomers others;
    image *const main = others.load(what.program);
    if (main->file().type != format::file_type::execute)
        throw about(what.program, "it is no executable");
    for (const std::string &path : what.inserted) {
        image *const at = others.load(path);
        if (std::find(inserted_images.begin(), inserted_images.end(), at) == inserted_images.end())
            inserted_images.push_back(at);
    }
    others.load_needed(main);
    images::set_program(main);
    for (image *const at : inserted_images)
        images::publish(at);
    for (image *const at : others.release())
        if (std::find(inserted_images.begin(), inserted_images.end(), at) == inserted_images.end())
            images::publish(at);

    std::vector<image *> added = images::of_system();
    for (std::size_t index = 0; index < image_count(); ++index)
        added.push_back(image_at(index));
    bind_all(added);
}

int run(int argument_count, char **arguments, char **environment) {
    remember_arguments(argument_count, arguments, environment, program()->path);
    for (image *const at : images::of_system())
        initialise(*at);
    for (image *const at : inserted_images)
        initialise(*at);
    initialise(*program());
    using main_function = int (*)(int, char **, char **, char **);
    const auto entry = reinterpret_cast<main_function>(
        reinterpret_cast<std::uintptr_t>(program()->header()) + *program()->file().entry_offset);
    return entry(argument_count, arguments, environment, arguments_of_program().apple);
}

image *open(const std::string &path, const image *caller, bool only_if_loaded) {
    const std::lock_guard<std::recursive_mutex> guard(loading);
    for (const std::string &file : candidates(path, caller, program(), library_folders)) {
        if (image *const known = loaded_already(canonical(file))) return known;
        if (only_if_loaded || access(file.c_str(), F_OK) != 0) continue;
        newcomers all;
        image *const opened = all.load(file);
        all.load_needed(program());
        const std::vector<image *> added = all.release();
        for (image *const at : added)
            images::publish(at);
        bind_all(added);
        initialise(*opened);
        return opened;
    }
    if (only_if_loaded) return nullptr;
    throw about(path, "there is no such file");
}

} // namespace darwin::process
