# Where the stubs of the hook object jump to, with the hooked function's entry of the table in r11
# and all else as its caller left it. Calls the code in C++ that opens the region, then the hooked
# function with a copy of its stack arguments, then the code that ends the region; or just jumps on.
#
# The frame, and the answers of the C++ code, are those of hook/frame.hpp.

#define FRAME_SIZE 112
#define TARGET -96(%rbp)
#define COPIED -88(%rbp)
#define ARGUMENT(i) (-80 + 8 * (i))(%rbp)

#define ANSWER_CALL 1
#define ANSWER_SLOWLY 2

# x87, SSE, AVX and AVX-512: the components that carry arguments and results. They end at this
# offset of the standard form; a multiple of 64.
#define STATE_COMPONENTS 0xe7
#define STATE_SIZE 2688

# As hook/machine_x86_64.cpp has it.
#define STATE_BY_XSAVE 2

# Vector registers and the x87 stack to below the frame. Clobbers rax, rcx, rdx and rsp.
.macro save_state
        subq    $STATE_SIZE, %rsp
        andq    $-64, %rsp
        cmpb    $STATE_BY_XSAVE, scratch_hook_state(%rip)
        jne     1f
        xorl    %edx, %edx
        leaq    512(%rsp), %rcx
        movq    %rdx, (%rcx)
        movq    %rdx, 8(%rcx)
        movq    %rdx, 16(%rcx)
        movq    %rdx, 24(%rcx)
        movq    %rdx, 32(%rcx)
        movq    %rdx, 40(%rcx)
        movq    %rdx, 48(%rcx)
        movq    %rdx, 56(%rcx)
        movl    $STATE_COMPONENTS, %eax
        xsave64 (%rsp)
        jmp     2f
1:      fxsave64 (%rsp)
2:
.endm

.macro restore_state
        cmpb    $STATE_BY_XSAVE, scratch_hook_state(%rip)
        jne     1f
        xorl    %edx, %edx
        movl    $STATE_COMPONENTS, %eax
        xrstor64 (%rsp)
        jmp     2f
1:      fxrstor64 (%rsp)
2:
.endm

.macro load_arguments
        movq    ARGUMENT(0), %rdi
        movq    ARGUMENT(1), %rsi
        movq    ARGUMENT(2), %rdx
        movq    ARGUMENT(3), %rcx
        movq    ARGUMENT(4), %r8
        movq    ARGUMENT(5), %r9
        movq    ARGUMENT(6), %rax
        movq    ARGUMENT(7), %r10
.endm

# The word at that offset from rcx of the arguments, which begin behind the caller's frame pointer and
# the return address.
.macro copy_word offset
        pushq   16+\offset(%rbp,%rcx)
.endm

        .text
        .globl  scratch_hook_enter_v1
        .type   scratch_hook_enter_v1, @function
        .p2align 6
scratch_hook_enter_v1:
        .cfi_startproc
        .cfi_personality 0x1b, scratch_hook_personality
        endbr64
        cmpb    $0, scratch_hooks_live(%rip)
        je      .Lpass_on

.Lwith_frame:
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        subq    $FRAME_SIZE, %rsp
        movq    %rdi, ARGUMENT(0)
        movq    %rsi, ARGUMENT(1)
        movq    %rdx, ARGUMENT(2)
        movq    %rcx, ARGUMENT(3)
        movq    %r8, ARGUMENT(4)
        movq    %r9, ARGUMENT(5)
        movq    %rax, ARGUMENT(6)
        movq    %r10, ARGUMENT(7)
        movq    %rsp, %rdi
        movq    %r11, %rsi
        call    scratch_hook_begin
        testq   %rax, %rax
        jz      .Lno_quick_call
        movq    %rax, %r11
        movq    %rdx, %rcx

# The target in r11, and how much is copied in rcx.
.Lcall:
# The copy stands on as round an address as the arguments, which may be vectors of 64 bytes: the frame
# and what is above it up to the arguments are 128 bytes, so that what lacks to 64 goes above.
        movl    %ecx, %eax
        negl    %eax
        andl    $63, %eax
        subq    %rax, %rsp
# From the top down, so that a large copy meets the pages of the stack in their order. By words, as
# arguments are pushed: a wider load would wait for two of those to reach the cache.
        subq    $64, %rcx
        jb      .Lcopied_most
        .p2align 4
.Lcopy:
        copy_word 56
        copy_word 48
        copy_word 40
        copy_word 32
        copy_word 24
        copy_word 16
        copy_word 8
        copy_word 0
        subq    $64, %rcx
        jae     .Lcopy
.Lcopied_most:
        addq    $64, %rcx
        jnz     .Lcopy_rest
.Lcopied:
        load_arguments
        call    *%r11
        leaq    -FRAME_SIZE(%rbp), %rsp
        movq    %rax, ARGUMENT(0)
        movq    %rdx, ARGUMENT(1)
        movq    %rsp, %rdi
        call    scratch_hook_end
        cmpl    $ANSWER_SLOWLY, %eax
        je      .Lend_slowly
.Lreturn:
        movq    ARGUMENT(0), %rax
        movq    ARGUMENT(1), %rdx
        .cfi_remember_state
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        ret
        .cfi_restore_state

.Lcopy_rest:
        copy_word -8
        copy_word -16
        subq    $16, %rcx
        jnz     .Lcopy_rest
        jmp     .Lcopied

.Lend_slowly:
        save_state
        leaq    -FRAME_SIZE(%rbp), %rdi
        call    scratch_hook_end_slowly
        restore_state
        leaq    -FRAME_SIZE(%rbp), %rsp
        jmp     .Lreturn

.Lno_quick_call:
        cmpl    $ANSWER_SLOWLY, %edx
        jne     .Ljump
        cmpb    $0, scratch_hook_state(%rip)
        je      .Llearn_machine
.Lbegin_slowly:
        save_state
        leaq    -FRAME_SIZE(%rbp), %rdi
        call    scratch_hook_begin_slowly
        movl    %eax, %r8d
        restore_state
        leaq    -FRAME_SIZE(%rbp), %rsp
        movq    TARGET, %r11
        movq    COPIED, %rcx
        cmpl    $ANSWER_CALL, %r8d
        je      .Lcall
.Ljump:
        movq    TARGET, %r11
        load_arguments
        .cfi_remember_state
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        jmp     *%r11
        .cfi_restore_state

# A call out of a library's constructor may come before the shim's own.
.Llearn_machine:
        call    scratch_hook_learn_machine
        jmp     .Lbegin_slowly

# r11 is the only register that belongs to nobody.
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
.Lpass_on:
        cmpq    $0, (%r11)
        je      .Lwith_frame
        movq    (%r11), %r11
        jmp     *%r11
        .cfi_endproc
        .size   scratch_hook_enter_v1, . - scratch_hook_enter_v1

        .bss
        .globl  scratch_hook_state
        .hidden scratch_hook_state
        .type   scratch_hook_state, @object
        .size   scratch_hook_state, 1
scratch_hook_state:
        .zero   1

        .section .note.GNU-stack, "", @progbits

# Indirect branch tracking and shadow stacks: the linker keeps the mark where all parts have it.
        .section .note.gnu.property, "a", @note
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000002, 4, 3, 0
