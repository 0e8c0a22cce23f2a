// A thread that is not only joined but forgotten by the kernel too.
#pragma once

#include <thread>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

// A thread is joined when its number is blanked in memory; the kernel forgets it later (where it is
// an emulator's thread too, tens of milliseconds later), and only then what it had is taken over.
template <typename Body>
void live_until_forgotten(Body body) {
#ifdef __linux__
    long thread = 0;
    std::thread([&] {
        thread = syscall(SYS_gettid);
        body();
    }).join();
    while (syscall(SYS_tgkill, getpid(), thread, 0) == 0)
        usleep(100);
#else
    std::thread(body).join();
#endif
}
