# As hooks_aarch64.py has it.
        .macro  stub_code name
        bti     c
        adrp    x16, entry_of_\name
        add     x16, x16, :lo12:entry_of_\name
        adrp    x17, :got:scratch_hook_enter_v1
        ldr     x17, [x17, :got_lo12:scratch_hook_enter_v1]
        br      x17
        .endm

        .macro  properties
        .long   0xc0000000, 4, 1, 0
        .endm
