"""--next takes mimalloc, jemalloc and tcmalloc by name wherever they are installed, and any library by its path."""

from __future__ import annotations

import struct

from fixture import ToolTest, main, modules

modules()
from scratch_tool.library import cached_libraries  # noqa: E402


class AllocatorsAreFoundByName(ToolTest):
    def second(self, name: str, *folders: object) -> str:
        """The entry after the shim."""
        done = self.scratch("run", "--next", name, "/usr/bin/printenv", "LD_PRELOAD",
                            environment=self.environment(LD_LIBRARY_PATH=":".join(map(str, folders))))
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.strip().split(":")[1]

    def test_each_name(self) -> None:
        for name, file in (("mimalloc", "libmimalloc.so.2.0"), ("jemalloc", "libjemalloc.so.2"),
                           ("tcmalloc", "libtcmalloc_minimal.so.4")):
            folder = self.folder / name
            folder.mkdir()
            path = self.library(file, folder)
            self.assertEqual(str(path), self.second(name, "/nowhere", folder))

    def test_a_debug_build_is_not_taken_for_the_allocator(self) -> None:
        debug, full = self.folder / "debug", self.folder / "full"
        debug.mkdir()
        full.mkdir()
        self.library("libtcmalloc_minimal_debug.so.4", debug)
        path = self.library("libtcmalloc_minimal.so.4", full)
        self.assertEqual(str(path), self.second("tcmalloc", debug, full))

    def test_what_does_not_fit_is_passed_over(self) -> None:
        bad, good = self.folder / "bad", self.folder / "good"
        bad.mkdir()
        good.mkdir()
        (bad / "libjemalloc.so").write_text("INPUT(-ljemalloc)\n")
        foreign = bytearray(self.library("libjemalloc.so.1", bad).read_bytes())
        foreign[18:20] = struct.pack("<H", 2)
        (bad / "libjemalloc.so.1").write_bytes(foreign)
        path = self.library("libjemalloc.so.2", good)
        self.assertEqual(str(path), self.second("jemalloc", bad, good))

    def test_path(self) -> None:
        path = self.allocator("libmine.so")
        self.assertEqual(str(path), self.second(str(path)))

    def test_unknown_name_and_bad_paths(self) -> None:
        self.assert_refused(125, "run", "--next", "hoard", "true", says=("hoard", "mimalloc, jemalloc, tcmalloc"))
        self.assert_refused(125, "run", "--next", "/no/lib.so", "true", says=("/no/lib.so", "cannot be read"))
        self.assert_refused(125, "run", "--next", "/etc/passwd", "true", says=("/etc/passwd", "no shared library"))
        empty = self.library("libempty.so")
        self.assert_refused(125, "run", "--next", empty, "true", says=(str(empty), "defines no malloc"))
        foreign = bytearray(self.library("libforeign.so").read_bytes())
        foreign[18:20] = struct.pack("<H", 2)
        path = self.folder / "libforeign.so"
        path.write_bytes(foreign)
        self.assert_refused(125, "run", "--next", path, "true", says=(str(path), "machine 2", "same kind"))

    def test_cache_of_the_loader(self) -> None:
        names = [b"libone.so\0/usr/lib/libone.so\0", b"libtwo.so\0/opt/two/libtwo.so\0"]
        table = 48 + 24 * len(names)
        entries, strings = b"", b""
        for text in names:
            start = table + len(strings)
            entries += struct.pack("=iIIIQ", 0, start, start + text.index(b"\0") + 1, 0, 0)
            strings += text
        header = b"glibc-ld.so.cache1.1" + struct.pack("=II20x", len(names), len(strings))
        path = self.folder / "cache"
        for before in (b"", b"ld.so-1.7.0\0" + bytes(20)):
            path.write_bytes(before + header + entries + strings)
            self.assertEqual(["/usr/lib/libone.so", "/opt/two/libtwo.so"], cached_libraries(str(path)))
        path.write_bytes(header + entries[:30])
        self.assertEqual([], cached_libraries(str(path)))
        self.assertEqual([], cached_libraries("/no/cache"))
        self.assertTrue(any(name.endswith("/libc.so.6") for name in cached_libraries()))


main()
