// The locks of mode check. They stand in a page that the kernel blanks in forked children, so a
// child never finds one held; and who finds one held by itself was cut out of it by a longjmp.
// Handlers that interrupt a holder do not come here: they find the inside word held. None is taken
// a second time by its holder.
#pragma once

#include <cstdint>

namespace scratch::shim::check {

enum class guarded : std::uint8_t { pages, reports, fault_stack, count };

class locked {
public:
    explicit locked(guarded what) noexcept;
    ~locked();
    locked(const locked &) = delete;
    locked &operator=(const locked &) = delete;

private:
    guarded what_;
};

// Before a second thread or process is there.
void open_locks() noexcept;

} // namespace scratch::shim::check
