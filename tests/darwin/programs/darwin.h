// What the programs here call, declared with macOS's types: its headers are not at hand.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h> // the compiler's own: the programs are compiled as freestanding

typedef struct darwin_file FILE;
extern FILE *__stdoutp;
int printf(const char *text, ...);
int fprintf(FILE *file, const char *text, ...);
int fflush(FILE *file);
int puts(const char *text);
int snprintf(char *to, size_t size, const char *text, ...);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
size_t malloc_size(const void *block);
char *strdup(const char *text);
char *getenv(const char *name);
void exit(int status) __attribute__((noreturn));
void _exit(int status) __attribute__((noreturn));
void abort(void) __attribute__((noreturn));

void *memset(void *memory, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *one, const void *other, size_t size);
int strcmp(const char *one, const char *other);
size_t strlen(const char *text);
char *strrchr(const char *text, int character);

int *__error(void);
#define errno (*__error())

int open(const char *path, int flags, ...);
int close(int descriptor);
int pipe(int *ends);
int fcntl(int descriptor, int command, ...);
long read(int descriptor, void *to, size_t size);

typedef struct {
    long signature;
    char opaque[56];
} pthread_mutex_t;
typedef struct {
    long signature;
    char opaque[40];
} pthread_cond_t;
typedef struct {
    long signature;
    char opaque[8];
} pthread_once_t;
typedef struct darwin_thread *pthread_t;
#define PTHREAD_MUTEX_INITIALIZER                                                                  \
    {                                                                                              \
        0x32AAABA7, { 0 }                                                                          \
    }
#define PTHREAD_RECURSIVE_MUTEX_INITIALIZER                                                        \
    {                                                                                              \
        0x32AAABA2, { 0 }                                                                          \
    }
#define PTHREAD_COND_INITIALIZER                                                                   \
    {                                                                                              \
        0x3CB0B1BB, { 0 }                                                                          \
    }
#define PTHREAD_ONCE_INIT                                                                          \
    {                                                                                              \
        0x30B1BCBA, { 0 }                                                                          \
    }
struct timespec {
    long seconds;
    long nanoseconds;
};
int pthread_create(pthread_t *thread, const void *attributes, void *(*function)(void *),
                   void *argument);
int pthread_join(pthread_t thread, void **result);
pthread_t pthread_self(void);
int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until);
int pthread_cond_signal(pthread_cond_t *condition);
int pthread_once(pthread_once_t *once, void (*function)(void));
void *pthread_get_stackaddr_np(pthread_t thread);
size_t pthread_get_stacksize_np(pthread_t thread);
int pthread_threadid_np(pthread_t thread, uint64_t *number);
void _tlv_atexit(void (*end)(void *), void *object);

int fork(void);
int waitpid(int process, int *status, int options);
int execv(const char *path, char *const *arguments);
int getpid(void);
int raise(int number);

#define SIGBUS 10
#define SIGSEGV 11
#define SIGUSR1 30
struct siginfo {
    int number, error, code, process;
    unsigned user;
    int status;
    void *address;
    void *value;
    long band;
    unsigned long padding[7];
};
struct sigaction {
    void (*handler)(int, struct siginfo *, void *);
    uint32_t mask;
    int flags;
};
#define SA_SIGINFO 0x40
int sigaction(int number, const struct sigaction *wanted, struct sigaction *old);
typedef int jmp_buf[37];
int setjmp(jmp_buf buffer) __attribute__((returns_twice));
void longjmp(jmp_buf buffer, int value) __attribute__((noreturn));

void *mmap(void *address, size_t size, int protection, int flags, int descriptor, long offset);
int munmap(void *address, size_t size);
int mprotect(void *address, size_t size, int protection);
int madvise(void *address, size_t size, int advice);
extern unsigned mach_task_self_;
extern size_t vm_page_size;
int mach_vm_map(unsigned task, uint64_t *address, uint64_t size, uint64_t mask, int flags,
                unsigned object, uint64_t offset, int copy, int protection, int maximum,
                unsigned inheritance);
int mach_vm_deallocate(unsigned task, uint64_t address, uint64_t size);
#define MAP_PRIVATE 2
#define MAP_ANON 0x1000
#define MADV_FREE_REUSABLE 7
#define MADV_FREE_REUSE 8

void *dlopen(const char *path, int mode);
void *dlsym(void *handle, const char *name);
char *dlerror(void);
struct dl_info {
    const char *file;
    void *base;
    const char *name;
    void *address;
};
int dladdr(const void *address, struct dl_info *info);
#define RTLD_DEFAULT ((void *)-2)
#define RTLD_NEXT ((void *)-1)
uint32_t _dyld_image_count(void);
const char *_dyld_get_image_name(uint32_t index);

// Tells what is not so and ends the program.
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                         \
            exit(99);                                                                              \
        }                                                                                          \
    } while (0)
