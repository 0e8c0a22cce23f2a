#include "shim/next/operators.hpp"

#include <cstring>
#include <dlfcn.h>

#include "shim/next/runtime_operators_darwin.hpp"

namespace scratch::shim {

constinit std::atomic<void *> known_operators[operator_count] = {};

namespace {

// Where this object's references are bound, which no interposing of its own changes.
void *runtime_operator(cxx_operator wanted) noexcept {
    switch (wanted) {
#define SCRATCH_CASE(name, mangled, result, parameters)                                            \
    case cxx_operator::name:                                                                       \
        return reinterpret_cast<void *>(&scratch_runtime_##name);
        SCRATCH_OPERATORS(SCRATCH_CASE)
#undef SCRATCH_CASE
    case cxx_operator::count:
        break;
    }
    return nullptr;
}

bool is_of_the_runtime(const void *address) noexcept {
    Dl_info found;
    return dladdr(address, &found) != 0 && found.dli_fname != nullptr &&
           (std::strstr(found.dli_fname, "libc++.") != nullptr ||
            std::strstr(found.dli_fname, "libc++abi.") != nullptr);
}

} // namespace

void forget_local_operators() noexcept {}

void *look_up_operator(cxx_operator wanted, const void *) noexcept {
    void *const found = runtime_operator(wanted);
    known_operators[static_cast<std::size_t>(wanted)].store(found, std::memory_order_release);
    return found;
}

// A program that defines some is bound to these itself, by weak definitions that all objects share.
bool operators_are_the_runtimes() noexcept {
    for (std::size_t index = 0; index < operator_count; ++index)
        if (!is_of_the_runtime(runtime_operator(static_cast<cxx_operator>(index)))) return false;
    return true;
}

} // namespace scratch::shim
