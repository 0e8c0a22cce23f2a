// What the loader reads: each reference of another object to `replaced` becomes one to
// `replacement`. A null `replaced`, a function that this system does not have, is passed over.
#pragma once

namespace scratch::shim {

using any_function = void (*)();

struct interposition {
    any_function replacement;
    any_function replaced;
};

} // namespace scratch::shim

#define SCRATCH_INTERPOSE(replacement, replaced)                                                   \
    {                                                                                              \
        reinterpret_cast<scratch::shim::any_function>(&replacement),                               \
            reinterpret_cast<scratch::shim::any_function>(&replaced)                               \
    }

// An array of them, which nothing but the loader reads.
#define SCRATCH_INTERPOSITIONS(name)                                                               \
    [[gnu::used, gnu::section("__DATA,__interpose")]] const scratch::shim::interposition name[]
