# As hooks_x86_64.py has it.
        .macro  stub_code name
        endbr64
        leaq    entry_of_\name(%rip), %r11
        jmp     *scratch_hook_enter_v1@GOTPCREL(%rip)
        .endm

        .macro  properties
        .long   0xc0000002, 4, 3, 0
        .endm
