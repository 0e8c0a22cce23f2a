// errno stays what it was, so that the program around us cannot tell.
#pragma once

#include <cerrno>

namespace scratch {

// Puts errno back at the end of a scope.
class kept_errno {
public:
    kept_errno() noexcept : saved_(errno) {}
    ~kept_errno() { errno = saved_; }
    kept_errno(const kept_errno &) = delete;
    kept_errno &operator=(const kept_errno &) = delete;

private:
    int saved_;
};

} // namespace scratch
