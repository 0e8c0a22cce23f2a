// Where the stubs of the hook object jump to, with the hooked function's entry of the table in x16
// and all else as its caller left it but x17. Calls the code in C++ that opens the region, then the
// hooked function with a copy of its stack arguments, then the code that ends the region; or just
// jumps on.
//
// The frame, and the answers of the C++ code, are those of hook/frame.hpp; behind it stand the frame
// pointer and the return address, and the caller's arguments.

#define FRAME_SIZE 112
#define FRAME_AND_RECORD 128
#define TARGET 16
#define COPIED 24
#define ARGUMENT(i) (32 + 8 * (i))

#define ANSWER_CALL 1
#define ANSWER_SLOWLY 2

// Arguments: v0 to v7, of which the results are the first four. What is longer than these is never
// hooked (the tool refuses functions that pass scalable vectors).
#define VECTORS_SIZE 128

        .macro  save_vectors
        sub     sp, sp, #VECTORS_SIZE
        stp     q0, q1, [sp]
        stp     q2, q3, [sp, #32]
        stp     q4, q5, [sp, #64]
        stp     q6, q7, [sp, #96]
        .endm

        .macro  restore_vectors
        ldp     q0, q1, [sp]
        ldp     q2, q3, [sp, #32]
        ldp     q4, q5, [sp, #64]
        ldp     q6, q7, [sp, #96]
        add     sp, sp, #VECTORS_SIZE
        .endm

// The target may begin with a landing pad for calls: x16 and x17 may jump to those.
        .macro  load_target_and_arguments frame
        ldr     x16, [\frame, #TARGET]
        ldp     x0, x1, [\frame, #ARGUMENT(0)]
        ldp     x2, x3, [\frame, #ARGUMENT(2)]
        ldp     x4, x5, [\frame, #ARGUMENT(4)]
        ldp     x6, x7, [\frame, #ARGUMENT(6)]
        ldp     x8, x18, [\frame, #ARGUMENT(8)]
        .endm

        .macro  leave_frame
        ldp     x29, x30, [sp, #FRAME_SIZE]
        .cfi_def_cfa sp, FRAME_AND_RECORD
        .cfi_restore x29
        .cfi_restore x30
        add     sp, sp, #FRAME_AND_RECORD
        .cfi_def_cfa_offset 0
        .endm

        .text
        .globl  scratch_hook_enter_v1
        .type   scratch_hook_enter_v1, %function
        .p2align 6
scratch_hook_enter_v1:
        .cfi_startproc
        .cfi_personality 0x1b, scratch_hook_personality
        bti     c
        adrp    x17, scratch_hooks_live
        add     x17, x17, :lo12:scratch_hooks_live
// Before what was prepared for hooks is read.
        ldarb   w17, [x17]
        cbz     w17, .Lpass_on

.Lwith_frame:
        sub     sp, sp, #FRAME_AND_RECORD
        .cfi_def_cfa_offset FRAME_AND_RECORD
        stp     x29, x30, [sp, #FRAME_SIZE]
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        add     x29, sp, #FRAME_SIZE
        .cfi_def_cfa x29, 16
        stp     x0, x1, [sp, #ARGUMENT(0)]
        stp     x2, x3, [sp, #ARGUMENT(2)]
        stp     x4, x5, [sp, #ARGUMENT(4)]
        stp     x6, x7, [sp, #ARGUMENT(6)]
// Where a large result goes, and the static chain of nested functions.
        stp     x8, x18, [sp, #ARGUMENT(8)]
        mov     x0, sp
        mov     x1, x16
        bl      scratch_hook_begin
        cbz     x0, .Lno_quick_call
// What is copied stands behind the target.
        stp     x0, x1, [sp, #TARGET]

.Lcall:
        ldr     x9, [sp, #COPIED]
        mov     x10, sp
        add     x11, x29, #16
        add     x12, x11, x9
        sub     sp, sp, x9
// From the top down, so that a large copy meets the pages of the stack in their order. By pairs of
// words, as arguments are stored: a wider load would wait for two of those to reach the cache.
        subs    x9, x9, #64
        b.lo    .Lcopied_most
        .p2align 4
.Lcopy:
        ldp     x13, x14, [x12, #-16]
        ldp     x15, x16, [x12, #-32]
        ldp     x17, x0, [x12, #-48]
        ldp     x1, x2, [x12, #-64]!
        stp     x13, x14, [x10, #-16]
        stp     x15, x16, [x10, #-32]
        stp     x17, x0, [x10, #-48]
        stp     x1, x2, [x10, #-64]!
        subs    x9, x9, #64
        b.hs    .Lcopy
.Lcopied_most:
        adds    x9, x9, #64
        b.ne    .Lcopy_rest
.Lcopied:
        sub     x9, x29, #FRAME_SIZE
        load_target_and_arguments x9
        blr     x16
        sub     sp, x29, #FRAME_SIZE
        stp     x0, x1, [sp, #ARGUMENT(0)]
        mov     x0, sp
        bl      scratch_hook_end
        cmp     w0, #ANSWER_SLOWLY
        b.eq    .Lend_slowly
.Lreturn:
        ldp     x0, x1, [sp, #ARGUMENT(0)]
        .cfi_remember_state
        leave_frame
        ret
        .cfi_restore_state

.Lcopy_rest:
        ldp     x13, x14, [x12, #-16]!
        stp     x13, x14, [x10, #-16]!
        subs    x9, x9, #16
        b.ne    .Lcopy_rest
        b       .Lcopied

.Lend_slowly:
        mov     x0, sp
        save_vectors
        bl      scratch_hook_end_slowly
        restore_vectors
        b       .Lreturn

.Lno_quick_call:
        cmp     w1, #ANSWER_SLOWLY
        b.ne    .Ljump
        mov     x0, sp
        save_vectors
        bl      scratch_hook_begin_slowly
        restore_vectors
        cmp     w0, #ANSWER_CALL
        b.eq    .Lcall
.Ljump:
        load_target_and_arguments sp
        .cfi_remember_state
        leave_frame
        br      x16
        .cfi_restore_state

// x16 and x17 are the only registers that belong to nobody.
        .cfi_def_cfa sp, 0
        .cfi_restore x29
        .cfi_restore x30
.Lpass_on:
        ldr     x17, [x16]
        cbz     x17, .Lwith_frame
        br      x17
        .cfi_endproc
        .size   scratch_hook_enter_v1, . - scratch_hook_enter_v1

        .section .note.GNU-stack, "", %progbits

// Branch target identification: the linker keeps the mark where all parts have it.
        .section .note.gnu.property, "a", %note
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000000, 4, 1, 0
