#include "core/stack.hpp"

#include <cerrno>

/// Stands at the bottom of its first stack.
struct scratch_frames {
    std::size_t count;
    std::size_t current;
    scratch_mark first_mark; ///< above this header, on the first stack
    scratch_stack *stacks[];
};

using namespace scratch;

extern "C" {

scratch_frames *scratch_frames_create(size_t count, const scratch_options *options) {
    if (count == 0) {
        errno = EINVAL;
        return nullptr;
    }
    scratch_stack *const first = scratch_stack_create(options);
    if (first == nullptr) return nullptr;
    auto *const frames = static_cast<scratch_frames *>(scratch_try_push(
        first, scratch_flex_size_(count, sizeof(scratch_stack *), sizeof(scratch_frames), 0),
        alignof(scratch_frames)));
    if (frames == nullptr) {
        scratch_stack_destroy(first);
        return nullptr;
    }
    frames->count = 1;
    frames->stacks[0] = first;
    frames->first_mark = scratch_save(first);
    while (frames->count < count) {
        scratch_stack *const next = scratch_stack_create(options);
        if (next == nullptr) {
            scratch_frames_destroy(frames);
            return nullptr;
        }
        frames->stacks[frames->count++] = next;
    }
    frames->current = count - 1;
    return frames;
}

scratch_stack *scratch_frames_begin(scratch_frames *frames) {
    frames->current = frames->current + 1 == frames->count ? 0 : frames->current + 1;
    scratch_stack *const stack = frames->stacks[frames->current];
    scratch_restore(stack, frames->current == 0 ? frames->first_mark : 0);
    return stack;
}

void scratch_frames_destroy(scratch_frames *frames) {
    if (frames == nullptr) return;
    // The header goes with the first stack.
    while (frames->count > 1)
        scratch_stack_destroy(frames->stacks[--frames->count]);
    scratch_restore(frames->stacks[0], frames->first_mark);
    scratch_stack_destroy(frames->stacks[0]);
}
}
