// A stack as anybody would write it in a vector, and random operations on both it and the real one.
//
// The bytes of a test case choose the operations, so a fuzzer can steer them and a random generator
// can stand in for one. Every block is filled with a pattern of its own; the pattern must be there
// until the block is given back.
#pragma once

#include <scratch/scratch.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

namespace stack_model {

#define MODEL_EXPECT(condition)                                                                    \
    ((condition) ? (void)0                                                                         \
                 : (std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition),   \
                    std::abort()))

/// Reads a test case; zeros after its end.
class choices {
public:
    explicit choices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    bool at_end() const { return at_ == bytes_.size(); }
    std::uint8_t byte() { return at_end() ? std::uint8_t{0} : bytes_[at_++]; }
    std::uint64_t word() {
        std::uint64_t value = 0;
        for (int index = 0; index < 8; ++index)
            value = value << 8 | byte();
        return value;
    }
    /// Sizes of all orders, many at the borders where mistakes are.
    std::size_t size() {
        switch (byte() % 8) {
        case 0:
            return byte() % 4;
        case 1:
        case 2:
            return byte();
        case 3:
            return std::size_t{16} * byte();
        case 4:
            return std::size_t{byte()} * 64 + byte();
        case 5:
            return std::size_t{4096} * (byte() % 32) + byte() % 3 - 1;
        case 6:
            return SIZE_MAX - byte();
        default:
            return static_cast<std::size_t>(word() >> byte() % 64);
        }
    }
    /// Mostly powers of two up to 1 MiB, sometimes anything.
    std::size_t alignment() {
        const std::uint8_t choice = byte();
        return choice >= 250 ? static_cast<std::size_t>(word()) : std::size_t{1} << choice % 21;
    }

private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

/// What the stack must do, in the plainest arithmetic, beside what it does.
class model {
public:
    model(std::size_t reserve, unsigned flags) {
        const scratch_options options{
            .name = "model", .reserve = reserve, .keep = 32768, .flags = flags};
        stack_ = scratch_stack_create(&options);
        MODEL_EXPECT(stack_ != nullptr);
        bottom_ = top_ = scratch_save(stack_);
        end_ = bottom_ + reserve;
        // What a memory checker has added behind the block, if one is at work.
        scratch_push(stack_, 16, 16);
        redzone_ = scratch_save(stack_) - bottom_ - 16;
        scratch_restore(stack_, bottom_);
    }
    model(const model &) = delete;
    model &operator=(const model &) = delete;
    ~model() { scratch_stack_destroy(stack_); }

    void run(choices from) {
        while (!from.at_end()) {
            switch (from.byte() % 12) {
            case 0:
            case 1:
            case 2:
                push(from.size(), from.alignment(), false);
                break;
            case 3:
                push(from.size(), from.alignment(), true);
                break;
            case 4:
                pop(from.byte());
                break;
            case 5:
                resize(from.byte(), from.size(), from.alignment());
                break;
            case 6:
                marks_.push_back(top_);
                break;
            case 7:
                restore(from.byte());
                break;
            case 8:
                defer();
                break;
            case 9:
            case 10:
                give_back(from.byte() % 4U);
                break;
            default:
                scratch_trim(stack_, from.byte() * std::size_t{512});
                break;
            }
            check();
        }
        marks_.assign(1, bottom_);
        restore(0);
    }

private:
    struct block {
        std::uintptr_t start;
        std::size_t size;
        unsigned char fill;
        unsigned char *bytes() const { return reinterpret_cast<unsigned char *>(start); }
    };
    /// Bytes skipped for the alignment of a block, a block given back under others, or a deferred
    /// function.
    struct record {
        std::uintptr_t place;
        std::uintptr_t end; ///< what a pop of the block there takes too; 0 for a deferred function
    };
    struct deferral {
        model *owner;
        std::uintptr_t place;
    };
    static constexpr std::size_t deferral_size = 32;

    static bool is_power_of_two(std::size_t number) {
        return number != 0 && (number & (number - 1)) == 0;
    }

    std::size_t needed(std::size_t size) const {
        return (size == 0 ? 16 : (size + 15) / 16 * 16) + redzone_;
    }

    std::uintptr_t end_of(std::uintptr_t start, std::size_t size) const {
        const std::size_t wanted = needed(size) + ((needed(size) - redzone_) % 1024 == 0 ? 64 : 0);
        return wanted > end_ - start ? end_ : start + wanted;
    }

    /// Where a block goes that is pushed at `from`, or 0 with the errno that must be seen.
    std::uintptr_t place(std::uintptr_t from, std::size_t size, std::size_t alignment) const {
        errno = EINVAL;
        if (!is_power_of_two(alignment)) return 0;
        errno = ENOMEM;
        const std::size_t room = end_ - from;
        if (size > room || alignment > std::size_t{1} << 40) return 0;
        const std::size_t step = alignment < 16 ? 16 : alignment;
        const std::uintptr_t start = (from + step - 1) / step * step;
        return start > end_ || needed(size) > end_ - start ? 0 : start;
    }

    block fresh(std::uintptr_t start, std::size_t size) {
        const auto pattern = static_cast<unsigned char>(1 + ++turn_ % 250);
        const block made{start, size, pattern};
        std::memset(made.bytes(), pattern, size);
        return made;
    }

    /// All bytes equal the first one: each equals its neighbour.
    static void expect_all(const unsigned char *bytes, std::size_t size, unsigned char expected) {
        if (size == 0) return;
        MODEL_EXPECT(bytes[0] == expected);
        MODEL_EXPECT(std::memcmp(bytes, bytes + 1, size - 1) == 0);
    }

    static void expect_filled(const block &each, std::size_t size) {
        expect_all(each.bytes(), size, each.fill);
    }

    /// Compares what came out of a push with what had to, and moves the model's top.
    bool pushed(const void *got, std::size_t size, std::size_t alignment) {
        const int error = errno;
        const std::uintptr_t start = place(top_, size, alignment);
        MODEL_EXPECT(reinterpret_cast<std::uintptr_t>(got) == start);
        MODEL_EXPECT(start != 0 || error == errno);
        if (start == 0) return false;
        if (start != top_) records_.push_back({top_, start});
        top_ = end_of(start, size);
        return true;
    }

    void push(std::size_t size, std::size_t alignment, bool zero) {
        errno = 0;
        const void *const got = zero ? scratch_try_push_zero(stack_, size, alignment)
                                     : scratch_try_push(stack_, size, alignment);
        if (!pushed(got, size, alignment)) return;
        if (zero) expect_all(static_cast<const unsigned char *>(got), size, 0);
        blocks_.push_back(fresh(reinterpret_cast<std::uintptr_t>(got), size));
    }

    bool is_last(const block &each) const {
        return end_of(each.start, each.size) == top_ &&
               (records_.empty() || records_.back().place < each.start);
    }

    void pop(std::size_t choice) {
        if (blocks_.empty()) return;
        const auto chosen =
            blocks_.end() - 1 - static_cast<std::ptrdiff_t>(choice % 2 % blocks_.size());
        const bool last = is_last(*chosen);
        MODEL_EXPECT(scratch_pop(stack_, chosen->bytes(), chosen->size) == last);
        if (!last) return;
        popped(*chosen);
        blocks_.erase(chosen);
    }

    void popped(const block &last) {
        top_ = last.start;
        while (!records_.empty() && records_.back().end == top_) {
            top_ = records_.back().place;
            records_.pop_back();
        }
    }

    void give_back(std::size_t choice) {
        if (blocks_.empty()) return;
        const auto chosen =
            blocks_.end() - 1 - static_cast<std::ptrdiff_t>(choice % blocks_.size());
        const block gone = *chosen;
        blocks_.erase(chosen);
        scratch_give_back(stack_, gone.bytes(), gone.size);
        if (is_last(gone)) return popped(gone);
        // Not where more than eight records lie above.
        auto after = records_.end();
        while (after != records_.begin() && (after - 1)->place > gone.start)
            --after;
        if (records_.end() - after <= 8)
            records_.insert(after, {gone.start, end_of(gone.start, gone.size)});
    }

    void resize(std::size_t choice, std::size_t size, std::size_t alignment) {
        if (blocks_.empty()) return;
        const auto chosen =
            blocks_.end() - 1 - static_cast<std::ptrdiff_t>(choice % 3 % blocks_.size());
        const block old = *chosen;
        errno = 0;
        const void *const got = scratch_try_resize(stack_, old.bytes(), old.size, size, alignment);
        const bool aligned = is_power_of_two(alignment) && old.start % alignment == 0;
        if (aligned && is_last(old)) {
            const bool fits = size <= end_ - old.start && needed(size) <= end_ - old.start;
            MODEL_EXPECT(fits ? got == old.bytes() : got == nullptr && errno == ENOMEM);
            if (!fits) return;
            top_ = end_of(old.start, size);
        } else if (aligned && size <= old.size && end_of(0, size) <= end_of(0, old.size)) {
            MODEL_EXPECT(got == old.bytes());
        } else if (!pushed(got, size, alignment)) {
            return;
        }
        const auto start = reinterpret_cast<std::uintptr_t>(got);
        expect_filled({start, size, old.fill}, size < old.size ? size : old.size);
        // Moved or not: what is in the old place is nobody's, the newest block is this one.
        if (start != old.start) {
            blocks_.erase(chosen);
            blocks_.push_back(fresh(start, size));
        } else {
            *chosen = fresh(start, size);
        }
    }

    void restore(std::size_t choice) {
        if (marks_.empty()) return;
        const std::uintptr_t mark = marks_[marks_.size() - 1 - choice % marks_.size()];
        MODEL_EXPECT(scratch_restore(stack_, mark));
        top_ = mark;
        while (!records_.empty() && records_.back().place >= mark) {
            MODEL_EXPECT(records_.back().end != 0 || ran_.back() == records_.back().place);
            if (records_.back().end == 0) ran_.pop_back();
            records_.pop_back();
        }
        if (!records_.empty() && records_.back().end > mark) records_.pop_back();
        // A block that grew in place over a mark is cut by it.
        std::erase_if(
            blocks_, [=, this](const block &each) { return end_of(each.start, each.size) > mark; });
        MODEL_EXPECT(ran_.empty());
    }

    void defer() {
        auto *const argument = new deferral{this, top_};
        const auto run = [](void *given) {
            auto *const the = static_cast<deferral *>(given);
            the->owner->ran_.insert(the->owner->ran_.begin(), the->place);
            // The stack may be used meanwhile, above everything.
            if (void *const more = scratch_try_push(the->owner->stack_, 100, 64))
                std::memset(more, 0xEE, 100);
            delete the;
        };
        errno = 0;
        if (!scratch_try_defer(stack_, run, argument)) {
            MODEL_EXPECT(errno == ENOMEM && place(top_, deferral_size, 16) == 0);
            delete argument;
            return;
        }
        records_.push_back({top_, 0});
        top_ = end_of(top_, deferral_size);
    }

    void check() {
        MODEL_EXPECT(scratch_save(stack_) == top_);
        std::erase_if(marks_, [this](std::uintptr_t mark) { return mark > top_; });
        if (blocks_.empty()) return;
        MODEL_EXPECT(scratch_owns(stack_, blocks_.back().bytes()));
        // The newest in full, the others at their ends: what overlaps shows there.
        expect_filled(blocks_.back(), blocks_.back().size);
        for (const block &each : blocks_) {
            MODEL_EXPECT(each.size == 0 || each.bytes()[0] == each.fill);
            MODEL_EXPECT(each.size == 0 || each.bytes()[each.size - 1] == each.fill);
        }
    }

    scratch_stack *stack_ = nullptr;
    std::uintptr_t bottom_ = 0;
    std::uintptr_t top_ = 0;
    std::uintptr_t end_ = 0;
    std::size_t redzone_ = 0;
    unsigned turn_ = 0;
    std::vector<block> blocks_;
    std::vector<std::uintptr_t> marks_; ///< in the order of time, so in that of addresses
    std::vector<record> records_;
    std::vector<std::uintptr_t>
        ran_; ///< deferred functions that a restore has run, the last one first
};

} // namespace stack_model
