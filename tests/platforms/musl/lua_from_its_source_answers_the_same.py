#!/usr/bin/env python3
"""Promise: a whole program, Lua as its makers publish it, that was built with musl and not for these tests says the same
and ends the same with and without the shim, in every mode and with functions of its library hooked.

Usage: lua_from_its_source_answers_the_same.py BUILD ROOT SOURCE, where BUILD is a build for musl, ROOT what it was built
with (musl_root), and SOURCE holds Lua's source; Lua is built in BUILD.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[3] / "tools" / "scratch"
LOADER = "/lib/ld-musl-x86_64.so.1"
FLAGS = ["-O1", "-g", "-w", "-std=gnu99", "-DLUA_USE_POSIX", "-DLUA_USE_DLOPEN"]
PROGRAMS = ("lua.c", "luac.c")

SCRIPT = """
local words, count = {}, {}
for i = 1, 40000 do words[i] = ("k%d"):format(i * 7919 % 10007) .. ("x"):rep(i % 37) end
table.sort(words, function(a, b) return a < b end)
local text = table.concat(words, " "):gsub("k(%d+)", function(n) count[n] = (count[n] or 0) + 1; return n * 2 end)
print(#text, words[1], words[#words], next(count) ~= nil)
local co = coroutine.wrap(function(...) for i = 1, 1000 do coroutine.yield({i, ...}) end end)
local sum = 0
for i = 1, 1000 do sum = sum + co("a")[1] end
print(sum, select("#", pcall(error, {1})), pcall(string.rep, "x", -1))
local f = assert(io.tmpfile())
for i = 1, 20000 do f:write(i, "\\n") end
f:seek("set")
for line in f:lines() do sum = sum + tonumber(line) end
print(sum, load("return ...", "chunk")(5), #string.dump(load(("x = 1 "):rep(2000))))
words = nil
for i = 1, 20 do collectgarbage("step") end
io.stderr:write("as meant\\n")
os.exit(7, true)
"""


class Lua(unittest.TestCase):
    program: Path
    shim: Path
    script: Path

    def run_it(self, *before: str) -> tuple[int, str, str]:
        environment = {**os.environ, "SCRATCH_LIBRARY": str(self.shim)}
        done = subprocess.run([*before, str(self.program), str(self.script)], env=environment, capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def counts_of(self, *words: str, loader: tuple[str, ...] = ()) -> dict[str, int]:
        with tempfile.TemporaryDirectory() as folder:
            counts = Path(folder) / "counts"
            served = self.run_it(sys.executable, str(TOOL), "run", "--stats=json", "--output", str(counts), *words, "--", *loader)
            self.assertEqual(self.run_it(), served)
            return json.loads(counts.read_text(encoding="utf-8"))

    def test_modes(self) -> None:
        self.assertEqual((7, "as meant\n"), self.run_it()[::2])
        for mode in ("off", "scoped", "adaptive"):
            with self.subTest(mode):
                self.assertEqual(0, self.counts_of("--mode", mode)["regions_entered"])

    def test_loader_started_by_hand(self) -> None:
        self.assertGreater(self.counts_of("--mode", "adaptive", loader=(LOADER,))["sites_seen"], 0)

    def test_hooked_functions(self) -> None:
        for option in ("--region", "--frame"):
            with self.subTest(option):
                counts = self.counts_of(option, "liblua.so!lua_callk")
                self.assertGreater(counts["scratch_calls"], 100)
                self.assertGreater(counts["regions_entered"], 1000)

    def test_check_tells_nothing(self) -> None:
        for options in ((), ("--region", "lua_callk")):
            self.assertEqual(self.run_it(), self.run_it(sys.executable, str(TOOL), "check", *options, "--"))


def build(source: Path, root: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    program, library = folder / "lua", folder / "liblua.so"
    if not program.exists():
        parts = sorted(str(part) for part in source.glob("*.c") if part.name not in PROGRAMS)
        subprocess.run(["musl-gcc", *FLAGS, "-fPIC", "-shared", "-Wl,-soname,liblua.so", "-o", str(library), *parts, "-lm"],
                       check=True)
        subprocess.run(["musl-gcc", *FLAGS, "-o", str(program), str(source / "lua.c"), str(library), "-lm",
                        f"-Wl,-rpath,{folder}:{root}/lib"], check=True)
    return program


if __name__ == "__main__":
    lua_source = Path(sys.argv.pop()) / "src"
    cpp_root = Path(sys.argv.pop()).resolve()
    build_folder = Path(sys.argv.pop()).resolve()
    Lua.shim = build_folder / "shim" / "libscratch-preload.so"
    Lua.program = build(lua_source, cpp_root, build_folder / "lua")
    with tempfile.TemporaryDirectory() as script_folder:
        Lua.script = Path(script_folder) / "script.lua"
        Lua.script.write_text(SCRIPT, encoding="utf-8")
        unittest.main()
