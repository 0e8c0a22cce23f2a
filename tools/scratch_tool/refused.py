"""Functions that are never hooked, and why."""

from __future__ import annotations

from .symbols import Module

TWICE = ("vfork", "__vfork", "setjmp", "_setjmp", "__setjmp", "sigsetjmp", "__sigsetjmp", "getcontext",
         "__getcontext", "makecontext", "__makecontext")
JUMPS = ("longjmp", "_longjmp", "siglongjmp", "__longjmp_chk", "__libc_longjmp", "__libc_siglongjmp", "swapcontext",
         "setcontext")
LOOKS = ("dlsym", "dlvsym", "dlopen", "dlmopen", "__libc_dlopen_mode", "__libc_dlsym", "__libc_dlvsym")
SERVED = ("malloc", "calloc", "realloc", "free", "reallocarray", "memalign", "aligned_alloc", "posix_memalign",
          "valloc", "pvalloc", "cfree", "free_sized", "free_aligned_sized", "malloc_usable_size")
SERVED_BEGIN = ("scratch_", "__scratch_", "obstack_", "_obstack_", "_Znw", "_Zna", "_Zdl", "_Zda")
RUNTIME = ("main", "_start", "_init", "_fini", "mcount", "_mcount", "__fentry__", "__stack_chk_fail", "clone",
           "__clone", "__clone2")
RUNTIME_BEGIN = ("_Unwind_", "__cxa_", "__gxx_personality", "_dl_", "__tls_", "__cyg_profile_", "__libc_start_",
                 "__morestack")


def refusal(name: str, shim: Module) -> str:
    """Why `name` is not hooked, and what to do; empty where nothing speaks against it."""
    if name in TWICE:
        return "keeps or returns to its caller's own frame, which a hook would put itself between; name a function " \
               "that calls it"
    if name in JUMPS:
        return "ends scopes by itself, and the shim follows it already; name a function that allocates"
    if name in LOOKS:
        return "looks at who calls it, which would be the hook; name a function that calls it"
    if name in RUNTIME or name.startswith(RUNTIME_BEGIN):
        return "is called by the runtime in a way of its own; name a function of the program or of a library"
    if name in SERVED or name.startswith(SERVED_BEGIN) or shim.definitions(name):
        return "is served by the shim itself; name a function that calls it"
    if shim.asks_for(name):
        return "is called by the shim itself, which would enter its own hook; name a function that calls it"
    return ""
