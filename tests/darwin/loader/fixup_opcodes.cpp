#include "fixups.hpp"

namespace darwin {
namespace {

constexpr std::uint64_t pointer_size = sizeof(std::uintptr_t);

/// Opcodes can ask for the same word again and again; no linker does so as often as the image has
/// bytes.
class limit {
public:
    explicit limit(const image &image) {
        for (const segment_part &segment : image.file().segments)
            left_ += segment.contents.size();
    }
    void count() {
        if (left_ == 0) throw refusal("it asks for more fixups than it has bytes");
        --left_;
    }

private:
    std::uint64_t left_ = 0;
};

class rebaser {
public:
    explicit rebaser(const image &image) : image_(image), limit_(image) {}

    void run() {
        cursor at(image_.file().rebases, "the list of rebases");
        while (!at.at_end()) {
            const std::uint8_t byte = at.byte();
            const auto immediate = static_cast<std::uint8_t>(byte & format::immediate_mask);
            switch (byte & format::opcode_mask) {
            case format::rebase_opcode::done:
                return;
            case format::rebase_opcode::set_type:
                if (immediate != format::type_pointer)
                    throw refusal("it rebases something else than pointers");
                break;
            case format::rebase_opcode::set_segment_and_offset:
                segment_ = immediate;
                offset_ = at.uleb();
                break;
            case format::rebase_opcode::add_address:
                offset_ += at.uleb();
                break;
            case format::rebase_opcode::add_address_scaled:
                offset_ += immediate * pointer_size;
                break;
            case format::rebase_opcode::rebase_times:
                rebase(immediate, 0);
                break;
            case format::rebase_opcode::rebase_many_times:
                rebase(at.uleb(), 0);
                break;
            case format::rebase_opcode::rebase_add_address:
                rebase(1, at.uleb());
                break;
            case format::rebase_opcode::rebase_many_times_skipping: {
                const std::uint64_t times = at.uleb();
                rebase(times, at.uleb());
                break;
            }
            default:
                throw refusal("the list of rebases holds an opcode that this loader does not know");
            }
        }
    }

private:
    void rebase(std::uint64_t times, std::uint64_t skip) {
        for (; times > 0; --times) {
            limit_.count();
            *image_.word_in(segment_, offset_) += image_.slide();
            offset_ += pointer_size + skip;
        }
    }

    const image &image_;
    limit limit_;
    std::size_t segment_ = 0;
    std::uint64_t offset_ = 0;
};

class binder {
public:
    binder(const image &image, std::vector<bind_request> &requests)
        : image_(image), requests_(requests), limit_(image) {}

    void run(byte_view opcodes, bool is_lazy) {
        cursor at(opcodes, "the list of binds");
        while (!at.at_end()) {
            const std::uint8_t byte = at.byte();
            // Each lazy bind ends so.
            if (byte == format::bind_opcode::done && !is_lazy) return;
            step(byte, at);
        }
    }

    void is_weak() { ordinal_ = format::ordinal::weak_lookup; }

private:
    void step(std::uint8_t byte, cursor &at) {
        const auto immediate = static_cast<std::uint8_t>(byte & format::immediate_mask);
        switch (byte & format::opcode_mask) {
        case format::bind_opcode::done:
            break;
        case format::bind_opcode::set_ordinal:
            ordinal_ = immediate;
            break;
        case format::bind_opcode::set_ordinal_uleb: {
            const std::uint64_t ordinal = at.uleb();
            if (ordinal > INT32_MAX) throw refusal("it binds to a library that there is not");
            ordinal_ = static_cast<int>(ordinal);
            break;
        }
        case format::bind_opcode::set_ordinal_special:
            ordinal_ =
                immediate == 0 ? 0 : static_cast<std::int8_t>(immediate | format::opcode_mask);
            break;
        case format::bind_opcode::set_symbol:
            name_ = at.string();
            may_be_missing_ = (immediate & format::symbol_is_weak_import) != 0;
            break;
        case format::bind_opcode::set_type:
            if (immediate != format::type_pointer)
                throw refusal("it binds something else than pointers");
            break;
        case format::bind_opcode::set_addend:
            addend_ = static_cast<std::uint64_t>(at.sleb());
            break;
        case format::bind_opcode::set_segment_and_offset:
            segment_ = immediate;
            offset_ = at.uleb();
            break;
        case format::bind_opcode::add_address:
            offset_ += at.uleb();
            break;
        case format::bind_opcode::bind:
            bind(0);
            break;
        case format::bind_opcode::bind_add_address:
            bind(at.uleb());
            break;
        case format::bind_opcode::bind_add_address_scaled:
            bind(immediate * pointer_size);
            break;
        case format::bind_opcode::bind_many_times_skipping: {
            std::uint64_t times = at.uleb();
            const std::uint64_t skip = at.uleb();
            for (; times > 0; --times)
                bind(skip);
            break;
        }
        default:
            throw refusal("the list of binds holds an opcode that this loader does not know");
        }
    }

    void bind(std::uint64_t skip) {
        limit_.count();
        requests_.push_back(
            {image_.word_in(segment_, offset_), ordinal_, name_, addend_, may_be_missing_});
        offset_ += pointer_size + skip;
    }

    const image &image_;
    std::vector<bind_request> &requests_;
    limit limit_;
    int ordinal_ = 0;
    std::string_view name_;
    std::uint64_t addend_ = 0;
    bool may_be_missing_ = false;
    std::size_t segment_ = 0;
    std::uint64_t offset_ = 0;
};

} // namespace

std::vector<bind_request> apply_opcodes(const image &image) {
    rebaser(image).run();
    std::vector<bind_request> requests;
    binder(image, requests).run(image.file().binds, false);
    // At once, as dyld does since macOS 12.
    binder(image, requests).run(image.file().lazy_binds, true);
    binder weak(image, requests);
    weak.is_weak();
    weak.run(image.file().weak_binds, false);
    return requests;
}

std::vector<bind_request> apply_rebases(const image &image) {
    return image.file().chained_fixups.empty() ? apply_opcodes(image) : apply_chains(image);
}

} // namespace darwin
