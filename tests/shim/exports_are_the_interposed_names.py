#!/usr/bin/env python3
"""The preloaded object shows the interposed names and the scratch_ API, and asks for libc only.

Usage: exports_are_the_interposed_names.py PRELOADED_OBJECT LIBSCRATCH
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import unittest
from pathlib import Path

MALLOC_FAMILY = """
    malloc calloc realloc reallocarray free posix_memalign aligned_alloc memalign valloc pvalloc
    malloc_usable_size cfree free_sized free_aligned_sized
    __libc_malloc __libc_free __libc_calloc __libc_realloc __libc_memalign __libc_valloc __libc_pvalloc
""".split()
LOADER = ["dlopen"]
# libc's own calls to these do not reach us: so what does is the program's.
STRINGS = """
    strdup __strdup strndup __strndup wcsdup asprintf vasprintf __asprintf_chk __vasprintf_chk
    realpath canonicalize_file_name get_current_dir_name
""".split()
OBSTACKS = "_obstack_begin _obstack_begin_1 _obstack_newchunk".split()
OPERATORS_NEW = """
    _Znwm _Znam _ZnwmRKSt9nothrow_t _ZnamRKSt9nothrow_t _ZnwmSt11align_val_t _ZnamSt11align_val_t
    _ZnwmSt11align_val_tRKSt9nothrow_t _ZnamSt11align_val_tRKSt9nothrow_t
""".split()
OPERATORS_DELETE = [
    f"_Zd{kind}Pv{rest}"
    for kind in "la"
    for rest in (
        "", "m", "RKSt9nothrow_t", "St11align_val_t", "mSt11align_val_t", "St11align_val_tRKSt9nothrow_t",
    )
]
ANNOTATIONS = """
    scratch_region_enter scratch_region_leave scratch_frame_turn scratch_alloc scratch_free
    scratch_annotate_region_enter_v1 scratch_annotate_region_leave_v1 scratch_annotate_frame_turn_v1
    scratch_annotate_alloc_v1 scratch_annotate_free_v1
""".split()
# What libscratch-check.so calls.
CHECKS = """
    scratch_check_sigaction scratch_check_sigmask scratch_check_buffer scratch_check_before_exec scratch_check_after_exec
    scratch_check_finish scratch_check_calls_begin_at
""".split()
# musl has fewer names, and one that does its work where a look at malloc's caller does not see it.
ONLY_GLIBC = {
    "pvalloc", "cfree", "canonicalize_file_name", "_obstack_begin", "_obstack_begin_1", "_obstack_newchunk",
    *(name for name in MALLOC_FAMILY + STRINGS if name.startswith("__")),
}
ONLY_MUSL = {"getcwd"}
# What would take a pthread key, a fork handler, or allocate under a lock.
FORBIDDEN = """
    pthread_key_create pthread_atfork __register_atfork __cxa_atexit __cxa_thread_atexit
    __cxa_thread_atexit_impl pthread_mutex_lock __tls_get_addr atexit mallinfo mallopt
""".split()
LARGEST_THREAD_STORAGE = 512


class Symbol:
    """A line of readelf --dyn-syms."""

    def __init__(self, words: list[str]) -> None:
        self.kind, self.binding, self.place = words[3], words[4], words[6]
        self.name = words[7].split("@")[0]

    @property
    def defined(self) -> bool:
        return self.place != "UND"


def readelf(option: str, path: Path) -> str:
    return subprocess.run(
        ["readelf", "-W", option, str(path)], check=True, capture_output=True, text=True
    ).stdout


def dynamic_symbols(path: Path) -> list[Symbol]:
    lines = (line.split() for line in readelf("--dyn-syms", path).splitlines())
    return [Symbol(words) for words in lines if len(words) >= 8 and words[0][:-1].isdigit()]


class Exports(unittest.TestCase):
    shim: Path
    library: Path

    def setUp(self) -> None:
        self.symbols = dynamic_symbols(self.shim)
        self.defined = {symbol.name for symbol in self.symbols if symbol.defined}
        self.undefined = {symbol.name for symbol in self.symbols if not symbol.defined}

    def of_libc(self) -> set[str]:
        """The names of the libc that the object is for."""
        all_of_them = {*MALLOC_FAMILY, *LOADER, *STRINGS, *OBSTACKS}
        return all_of_them if "libc.so.6" in readelf("-d", self.shim) else (all_of_them - ONLY_GLIBC) | ONLY_MUSL

    def test_every_interposed_name_is_there(self) -> None:
        wanted = self.of_libc() | {*OPERATORS_NEW, *OPERATORS_DELETE, *ANNOTATIONS, *CHECKS}
        self.assertEqual(wanted - self.defined, set())
        self.assertEqual(len(OPERATORS_NEW) + len(OPERATORS_DELETE), 20)

    def test_nothing_else_is_there(self) -> None:
        others = {name for name in self.defined if not name.startswith("scratch_")}
        self.assertEqual(others - self.of_libc() - {*OPERATORS_NEW, *OPERATORS_DELETE}, set())

    def test_the_api_of_the_library_is_there_too(self) -> None:
        library = {s.name for s in dynamic_symbols(self.library) if s.defined}
        api = {name for name in library if name.startswith("scratch_")}
        self.assertTrue(api)
        self.assertEqual(api - self.defined, set())

    def test_only_functions_and_the_thread_s_stack_are_shown(self) -> None:
        odd = [
            s.name for s in self.symbols
            if s.defined and (s.kind != "FUNC" or s.binding not in ("GLOBAL", "WEAK"))
            and s.name != "scratch_thread_stack_"
        ]
        self.assertEqual(odd, [])

    def test_only_libc_is_needed(self) -> None:
        needed = [
            line.split("[")[1].rstrip("]")
            for line in readelf("-d", self.shim).splitlines() if "(NEEDED)" in line
        ]
        odd = [name for name in needed if not name.startswith(("libc.so", "libc.musl", "libdl.so.", "ld-linux", "ld-musl"))]
        self.assertEqual(odd, [])
        self.assertTrue(needed)

    def test_nothing_of_a_cxx_runtime_is_asked_for(self) -> None:
        mangled = {name for name in self.undefined if name.startswith("_Z")}
        runtime = {name for name in self.undefined if name.startswith(("__cxa_", "__gxx_", "_Unwind_"))}
        self.assertEqual(mangled, set())
        self.assertEqual(runtime - {"__cxa_finalize"}, set())

    def test_nothing_that_fork_or_threads_trip_over_is_asked_for(self) -> None:
        self.assertEqual(self.undefined & set(FORBIDDEN), set())

    def test_thread_storage_is_small(self) -> None:
        sizes = [
            int(line.split()[5], 16)
            for line in readelf("-l", self.shim).splitlines() if line.split()[:1] == ["TLS"]
        ]
        self.assertEqual(len(sizes), 1)
        self.assertLess(sizes[0], LARGEST_THREAD_STORAGE)

    def test_thread_storage_is_reached_without_a_call(self) -> None:
        flags = readelf("-d", self.shim)
        self.assertIn("STATIC_TLS", flags)
        self.assertIn("NODELETE", flags)

    def test_no_code_is_changed_at_run_time(self) -> None:
        self.assertNotIn("TEXTREL", readelf("-d", self.shim))
        stack = [line for line in readelf("-l", self.shim).splitlines() if "GNU_STACK" in line]
        self.assertEqual([line.split()[6] for line in stack], ["RW"])


if __name__ == "__main__":
    if shutil.which("readelf") is None:
        print("LOUDLY SKIPPED: readelf (binutils) is missing", file=sys.stderr)
        sys.exit(77)
    Exports.library = Path(sys.argv.pop())
    Exports.shim = Path(sys.argv.pop())
    unittest.main()
