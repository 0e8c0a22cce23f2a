// A library in C++: strings, containers, exceptions within itself, and a block for its caller.
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct alignas(64) aligned {
    char bytes[64];
};

int throw_and_catch(int number) {
    try {
        throw std::runtime_error("number " + std::to_string(number) + " with a text that is long");
    } catch (const std::exception &error) {
        return std::string(error.what()).find("long") != std::string::npos ? 1 : -1000;
    }
}

int ask_too_much() {
    try {
        volatile std::size_t much = PTRDIFF_MAX - 100;
        char *block = static_cast<char *>(::operator new(much));
        ::operator delete(block);
        return -1000;
    } catch (const std::bad_alloc &) {
        return 1;
    }
}

} // namespace

extern "C" [[gnu::visibility("default")]] int plugin_work(int rounds) {
    int result = 0;
    for (int i = 0; i < rounds; ++i) {
        std::map<int, std::string> texts;
        for (int n = 0; n < 20; ++n)
            texts[n] = std::string(static_cast<std::size_t>(n * 5), 'x');
        std::ostringstream stream;
        for (const auto &[number, text] : texts)
            stream << number << text;
        auto one = std::make_unique<aligned>();
        std::vector<aligned> more(5);
        const auto *nothing = new (std::nothrow) char[100];
        delete[] nothing;
        result += throw_and_catch(i) + ask_too_much() - 1;
        if (stream.str().size() < 900) result -= 1000;
    }
    return result;
}
