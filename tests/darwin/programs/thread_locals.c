// Each thread has its own variables, with their first contents; using one changes no register.
#include "darwin.h"

static _Thread_local int with_contents = 42;
static _Thread_local long zero[3];
static _Thread_local _Alignas(16) char text[16] = "each thread's";
static int ended;

static void count_end(void *object) {
    REQUIRE(*(int *)object == 42 + 7);
    __atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
}

struct descriptor {
    void *(*address)(struct descriptor *);
    unsigned long key;
    unsigned long offset;
};

// Calls the descriptor's function with every other register full, and tells whether they are still.
static int keeps_registers(void *(*function)(void)) {
    (void)function;
    unsigned long changed = 0;
    __asm__ volatile("movq _with_contents_of_registers@TLVP(%%rip), %%rdi\n"
                     "movq $2, %%rsi\n movq $3, %%rdx\n movq $4, %%rcx\n movq $5, %%r8\n"
                     "movq $6, %%r9\n movq $7, %%r10\n movq $8, %%r11\n movq %%rsi, %%xmm7\n"
                     "pushq %%rbp\n movq %%rsp, %%rbp\n subq $256, %%rsp\n andq $-16, %%rsp\n"
                     "callq *(%%rdi)\n"
                     "movq %%rbp, %%rsp\n popq %%rbp\n"
                     "xorl %%eax, %%eax\n"
                     "cmpq $2, %%rsi\n setne %%al\n addq %%rax, %0\n cmpq $3, %%rdx\n setne %%al\n "
                     "addq %%rax, %0\n"
                     "cmpq $4, %%rcx\n setne %%al\n addq %%rax, %0\n cmpq $5, %%r8\n setne %%al\n "
                     "addq %%rax, %0\n"
                     "cmpq $6, %%r9\n setne %%al\n addq %%rax, %0\n cmpq $7, %%r10\n setne %%al\n "
                     "addq %%rax, %0\n"
                     "cmpq $8, %%r11\n setne %%al\n addq %%rax, %0\n"
                     "movq %%xmm7, %%rsi\n cmpq $2, %%rsi\n setne %%al\n addq %%rax, %0\n"
                     : "+b"(changed)
                     :
                     : "rax", "rdi", "rsi", "rdx", "rcx", "r8", "r9", "r10", "r11", "xmm7",
                       "memory", "cc");
    return changed == 0;
}

_Thread_local int with_contents_of_registers = 5;

static void *use(void *argument) {
    // At the first use in this thread and at a later one.
    REQUIRE(keeps_registers(NULL));
    REQUIRE(keeps_registers(NULL));
    REQUIRE(with_contents == 42 && zero[0] == 0 && zero[2] == 0);
    REQUIRE(strcmp(text, "each thread's") == 0);
    REQUIRE((uintptr_t)text % 16 == 0);
    with_contents += 7;
    zero[2] = 9;
    text[0] = 'E';
    _tlv_atexit(count_end, &with_contents);
    return argument;
}

int main(void) {
    pthread_t threads[8];
    with_contents = 1;
    for (int round = 0; round < 20; ++round) {
        for (int index = 0; index < 8; ++index)
            REQUIRE(pthread_create(&threads[index], NULL, use, NULL) == 0);
        for (int index = 0; index < 8; ++index)
            REQUIRE(pthread_join(threads[index], NULL) == 0);
    }
    REQUIRE(ended == 160);
    REQUIRE(with_contents == 1 && zero[2] == 0);
    puts("ok");
    return 0;
}
