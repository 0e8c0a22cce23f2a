// What may be asked of the loader now.
#pragma once

namespace scratch::shim::check {

// False in a child that a process with threads forked: one of them may have held the loader's lock.
bool loader_can_be_asked() noexcept;

} // namespace scratch::shim::check
