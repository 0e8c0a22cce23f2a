// Locks, numbers and stacks of threads.
#include "darwin.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int count;
static int starts;

static void start(void) { ++starts; }

static void *work(void *number) {
    pthread_once(&once, start);
    for (int turn = 0; turn < 1000; ++turn) {
        pthread_mutex_lock(&lock);
        ++count;
        pthread_cond_signal(&condition);
        pthread_mutex_unlock(&lock);
    }
    char here;
    char *const end = pthread_get_stackaddr_np(pthread_self());
    REQUIRE(&here<end && & here> end - pthread_get_stacksize_np(pthread_self()));
    // As on macOS, where half a megabyte is usual.
    REQUIRE(pthread_get_stacksize_np(pthread_self()) <= 1024 * 1024);
    REQUIRE(pthread_threadid_np(NULL, number) == 0);
    return NULL;
}

int main(void) {
    pthread_t threads[4];
    uint64_t numbers[5] = {0};
    for (int index = 0; index < 4; ++index)
        REQUIRE(pthread_create(&threads[index], NULL, work, &numbers[index]) == 0);
    pthread_mutex_lock(&lock);
    while (count < 4000)
        pthread_cond_wait(&condition, &lock);
    pthread_mutex_unlock(&lock);
    for (int index = 0; index < 4; ++index)
        REQUIRE(pthread_join(threads[index], NULL) == 0);
    REQUIRE(starts == 1);
    REQUIRE(pthread_threadid_np(pthread_self(), &numbers[4]) == 0);
    for (int index = 0; index < 4; ++index)
        REQUIRE(numbers[index] != 0 && numbers[index] != numbers[4]);
    REQUIRE(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&recursive) == 0);
    const struct timespec past = {1, 0};
    pthread_mutex_lock(&lock);
    REQUIRE(pthread_cond_timedwait(&condition, &lock, &past) == 60);
    puts("ok");
    return 0;
}
