// setjmp and longjmp in the 37 words that macOS's buffer has: the registers that calls keep, the signal mask behind them.
    .text
    .globl darwin_setjmp_plain
    .type darwin_setjmp_plain, @function
darwin_setjmp_plain:
    .cfi_startproc
    movq $0, 72(%rdi)
    jmp darwin_save_registers
    .cfi_endproc
    .size darwin_setjmp_plain, . - darwin_setjmp_plain

    .globl darwin_sigsetjmp
    .type darwin_sigsetjmp, @function
darwin_sigsetjmp:
    .cfi_startproc
    testl %esi, %esi
    je darwin_setjmp_plain
    jmp darwin_setjmp_with_mask
    .cfi_endproc
    .size darwin_sigsetjmp, . - darwin_sigsetjmp

    .globl darwin_setjmp_with_mask
    .type darwin_setjmp_with_mask, @function
darwin_setjmp_with_mask:
    .cfi_startproc
    pushq %rdi
    .cfi_adjust_cfa_offset 8
    call darwin_save_mask
    popq %rdi
    .cfi_adjust_cfa_offset -8
    jmp darwin_save_registers
    .cfi_endproc
    .size darwin_setjmp_with_mask, . - darwin_setjmp_with_mask

    .type darwin_save_registers, @function
darwin_save_registers:
    .cfi_startproc
    movq (%rsp), %rax
    leaq 8(%rsp), %rcx
    movq %rbx, 0(%rdi)
    movq %rbp, 8(%rdi)
    movq %rcx, 16(%rdi)
    movq %r12, 24(%rdi)
    movq %r13, 32(%rdi)
    movq %r14, 40(%rdi)
    movq %r15, 48(%rdi)
    movq %rax, 56(%rdi)
    xorl %eax, %eax
    ret
    .cfi_endproc
    .size darwin_save_registers, . - darwin_save_registers

    .globl darwin_longjmp
    .type darwin_longjmp, @function
darwin_longjmp:
    .cfi_startproc
    pushq %rdi
    .cfi_adjust_cfa_offset 8
    pushq %rsi
    .cfi_adjust_cfa_offset 8
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    call darwin_restore_mask
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq %rax
    .cfi_adjust_cfa_offset -8
    popq %rdi
    .cfi_adjust_cfa_offset -8
    testl %eax, %eax
    jne 1f
    incl %eax
1:
    movq 0(%rdi), %rbx
    movq 8(%rdi), %rbp
    movq 24(%rdi), %r12
    movq 32(%rdi), %r13
    movq 40(%rdi), %r14
    movq 48(%rdi), %r15
    movq 56(%rdi), %rdx
    movq 16(%rdi), %rsp
    jmp *%rdx
    .cfi_endproc
    .size darwin_longjmp, . - darwin_longjmp
    .section .note.GNU-stack, "", @progbits
