// What this libSystem remembers of threads.
#pragma once

#include <pthread.h>
#include <sys/types.h>

namespace darwin::threads {

/// The host's number of a thread, 0 where it is none of the program's that lives.
pid_t number_of(pthread_t thread);
bool is_alive(pid_t number);

} // namespace darwin::threads
