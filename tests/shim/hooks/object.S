# A hook object as the tool writes it at launch, for the functions of library.cpp and some of libc.
# What each is hooked as is in the list at the end.

#include STUB

# A distance from the beginning of the entry, whose word at that offset it is.
        .macro  text_or_none text, offset
        .ifc    \text, 0
        .quad   0
        .else
        .quad   \text - (. - \offset)
        .endif
        .endm

        .macro  entry name, kind, stack_bytes, module, version, offset, instrumented_kind
        .pushsection .data.entries, "aw"
        .p2align 3
        .quad   0
        .quad   name_\@ - (. - 8)
        text_or_none \version, 16
        text_or_none \module, 24
        .quad   label_\@ - (. - 32)
        .long   \kind
        .long   \stack_bytes
        .quad   \offset
        .long   \instrumented_kind
        .long   0
        .zero   32
        .popsection
        .pushsection .data.texts, "aw"
name_\@:
        .asciz  "\name"
label_\@:
        .asciz  "label of \name"
        .popsection
        .endm

        .macro  stub name
        .pushsection .text
        .p2align 5
        .globl  \name
        .type   \name, %function
\name:
        .cfi_startproc
        stub_code \name
        .cfi_endproc
        .size   \name, . - \name
        .popsection
        .pushsection .data.entries, "aw"
entry_of_\name:
        .popsection
        .endm

        .macro  hook name, kind, stack_bytes=128, module=0, version=0
        stub    \name
        entry   \name, \kind, \stack_bytes, \module, \version, 0, 0
        .endm

        .macro  text name, content
        .pushsection .data.texts, "aw"
\name:
        .asciz  "\content"
        .popsection
        .endm

        .macro  exclude module, function
        .pushsection .data.exclusions, "aw"
        .quad   \module
        .quad   function_\@ - (. - 8)
        .popsection
        .pushsection .data.texts, "aw"
function_\@:
        .asciz  "\function"
        .popsection
        .endm

        .section .data.entries, "aw"
        .p2align 6
        .globl  scratch_hooks_v1
        .type   scratch_hooks_v1, %object
        .size   scratch_hooks_v1, 64
scratch_hooks_v1:
        .ascii  "SCRHOOK1"
        .long   1
        .long   (end_of_entries - entries) / 96
        .long   96
        .long   (end_of_exclusions - exclusions) / 16
        .quad   entries - scratch_hooks_v1
        .quad   exclusions - scratch_hooks_v1
        .zero   24
entries:
        .section .data.exclusions, "aw"
        .p2align 3
exclusions:

        .set    REGION, 1
        .set    TRUSTED_REGION, 2
        .set    FRAME, 3
        .set    TRUSTED_FRAME, 4
        .set    PAUSED, 5
        .set    LONGJMP, 6
        .set    INSTRUMENTED, 7
        .set    CONTEXT_SWITCH, 8

#include HOOK_LIST

        .section .data.entries, "aw"
end_of_entries:
        .section .data.exclusions, "aw"
end_of_exclusions:
        .section .note.GNU-stack, "", %progbits
        .section .note.gnu.property, "a", %note
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        properties
