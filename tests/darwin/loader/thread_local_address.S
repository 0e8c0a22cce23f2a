// The function that thread-local descriptors point to {function, key, offset}. The compilers of macOS expect every
// register but rax and rdi back as it was; vector registers too, which they only promise of their own code.
    .text
    .globl darwin_thread_local_address
    .type darwin_thread_local_address, @function
darwin_thread_local_address:
    .cfi_startproc
    pushq %rcx
    .cfi_adjust_cfa_offset 8
    movq 8(%rdi), %rax
    movq darwin_thread_local_blocks@gottpoff(%rip), %rcx
    addq %fs:0, %rcx
    movq (%rcx,%rax,8), %rax
    popq %rcx
    .cfi_adjust_cfa_offset -8
    testq %rax, %rax
    je 1f
    addq 16(%rdi), %rax
    ret
1:
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    movq %rsp, %rbp
    .cfi_def_cfa_register %rbp
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    subq $544, %rsp
    andq $-64, %rsp
    fxsave64 (%rsp)
    movq 8(%rdi), %rdi
    call darwin_thread_local_block
    fxrstor64 (%rsp)
    leaq -64(%rbp), %rsp
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rbp
    .cfi_def_cfa %rsp, 8
    addq 16(%rdi), %rax
    ret
    .cfi_endproc
    .size darwin_thread_local_address, . - darwin_thread_local_address
    .section .note.GNU-stack, "", @progbits
