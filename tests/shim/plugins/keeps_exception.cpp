// A library in C++ that keeps an exception.
#include <cstring>
#include <exception>
#include <stdexcept>

namespace {
std::exception_ptr kept;
}

extern "C" [[gnu::visibility("default")]] void keep_exception() {
    try {
        throw std::runtime_error("kept");
    } catch (const std::exception &) {
        kept = std::current_exception();
    }
}

extern "C" [[gnu::visibility("default")]] int is_kept() {
    try {
        std::rethrow_exception(kept);
    } catch (const std::exception &error) {
        return std::strcmp(error.what(), "kept") == 0 ? 1 : 0;
    }
    return 0;
}
