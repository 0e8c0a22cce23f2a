// What dlerror would tell the calling thread, kept from our own look-ups: each dlsym, one that
// succeeds too, forgets an error that the program has not asked for yet, and one that fails leaves
// its own.
#pragma once

namespace scratch::shim {

// Sets the thread's pending error aside while it lives, and takes back what look-ups allocated for
// theirs. Where libc does not show where it keeps that (glibc does since 2.34), nothing is done.
class loader_error_aside {
public:
    loader_error_aside() noexcept;
    ~loader_error_aside();
    loader_error_aside(const loader_error_aside &) = delete;
    loader_error_aside &operator=(const loader_error_aside &) = delete;

private:
    void **word_;
    void *pending_ = nullptr;
};

} // namespace scratch::shim
