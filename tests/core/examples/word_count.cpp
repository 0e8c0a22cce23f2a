// Containers of the standard library on a stack: they take their memory from the resource of a
// scope, none of it from the heap, and all of it is gone at the end of the scope.
//
// Prints:
//   3 a
//   2 rose
//   2 is
//   allocated from the heap meanwhile: 0 times
#include <scratch/scratch.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory_resource>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

int taken_from_heap = 0;

using count_of_words = std::pmr::unordered_map<std::pmr::string, int>;

count_of_words count_words(std::string_view text, std::pmr::memory_resource *memory) {
    count_of_words counts(memory);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end != 0) ++counts[std::pmr::string(text.substr(0, end), memory)];
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return counts;
}

void show_most_frequent(std::string_view text) {
    scratch::scope scope;
    const count_of_words counts = count_words(text, scope.resource());
    using entry = std::pair<int, std::string_view>;
    std::pmr::vector<entry> sorted(scope.resource());
    for (const auto &[word, count] : counts)
        sorted.emplace_back(count, word);
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    for (const auto &[count, word] : sorted) {
        if (count > 1) std::printf("%d %.*s\n", count, static_cast<int>(word.size()), word.data());
    }
}

} // namespace

void *operator new(std::size_t size) {
    ++taken_from_heap;
    if (void *const block = std::malloc(size)) return block;
    throw std::bad_alloc();
}
void operator delete(void *block) noexcept { std::free(block); }
void operator delete(void *block, std::size_t) noexcept { std::free(block); }

int main() {
    const int before = taken_from_heap;
    show_most_frequent("a rose is a rose is  a flower");
    std::printf("allocated from the heap meanwhile: %d times\n", taken_from_heap - before);
    return 0;
}
