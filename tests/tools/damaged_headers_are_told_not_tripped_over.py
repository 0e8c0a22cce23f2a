"""Whatever the bytes of a file: reading its ELF headers gives them, or says that they are damaged."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys

from fixture import ToolTest, main, modules

modules()
from scratch_tool.elf import Elf, ElfError  # noqa: E402

ROUNDS = 3000


class DamagedHeadersAreToldNotTrippedOver(ToolTest):
    def read_all(self, path: str) -> None:
        elf = Elf(path)
        elf.needed()
        elf.defined_symbols()
        elf.section_names()

    def test_random_damage(self) -> None:
        generator = random.Random(1)
        sound = self.program("sound").read_bytes()
        path = self.folder / "damaged"
        told = 0
        for _ in range(ROUNDS):
            content = bytearray(sound)
            # The header, the program headers, and the section headers at the end.
            for _ in range(generator.randrange(1, 6)):
                place = generator.choice((generator.randrange(4, 64), generator.randrange(64, 800),
                                          generator.randrange(len(content) - 2000, len(content))))
                content[place] = generator.choice((0, 1, 127, 128, 255, generator.randrange(256)))
            path.write_bytes(content[: generator.choice((len(content), generator.randrange(len(content))))])
            try:
                self.read_all(str(path))
            except ElfError:
                told += 1
        self.assertGreater(told, ROUNDS // 10)

    def test_against_readelf(self) -> None:
        readelf = shutil.which("readelf")
        if readelf is None:
            self.skipTest("readelf is not installed")
        path = sys.executable
        said = subprocess.run([readelf, "-W", "-d", "-l", "--dyn-syms", "-S", path], stdout=subprocess.PIPE, text=True,
                              check=True, env={"LC_ALL": "C"}).stdout
        elf = Elf(path)
        self.assertIn(f"[Requesting program interpreter: {elf.interpreter}]", said)
        self.assertEqual([line.split("[")[1].rstrip("]") for line in said.splitlines() if "(NEEDED)" in line],
                         elf.needed())
        symbols = [line.split() for line in said.splitlines() if " DEFAULT " in line]
        self.assertEqual({row[7].split("@")[0] for row in symbols if len(row) > 7 and row[6] != "UND"},
                         elf.defined_symbols() - {""})
        self.assertIn(".dynsym", elf.section_names())


main()
