"""What the tests of hooked functions share: a stand-in for the shim that tells of every call through a hook, a small
versioned library with a program that calls it, and a reader of hook objects."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from fixture import SKIPPED, ToolTest, compile_text, modules

modules()
from scratch_tool.symbols import Module  # noqa: E402

REGION, TRUSTED_REGION, FRAME, TRUSTED_FRAME, PAUSED, LONGJMP, INSTRUMENTED, SWITCH = range(1, 9)

# Goes on to the next definition, and writes its name, version and label to the file in STUB_SAYS.
STAND_IN = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
struct entry { uint64_t target; int64_t name, version, module, label; uint32_t kind, stack_bytes; };
static const char *text(struct entry *entry, int64_t away) { return away ? (const char *)entry + away : "-"; }
__attribute__((used)) static void *next_of(struct entry *entry) {
    const char *name = text(entry, entry->name), *file = getenv("STUB_SAYS");
    void *next = entry->version ? dlvsym(RTLD_NEXT, name, text(entry, entry->version)) : dlsym(RTLD_NEXT, name);
    if (file) {
        FILE *out = fopen(file, "a");
        fprintf(out, "%s %s %s %s\n", name, text(entry, entry->version), text(entry, entry->module),
                text(entry, entry->label));
        fclose(out);
    }
    return next;
}
__asm__(".globl scratch_hook_enter_v1\n.type scratch_hook_enter_v1,@function\nscratch_hook_enter_v1:\nendbr64\n"
        "push %rbp\nmov %rsp,%rbp\nand $-16,%rsp\npush %rdi\npush %rsi\npush %rdx\npush %rcx\npush %r8\npush %r9\n"
        "push %rax\npush %r10\nsub $32,%rsp\nmovups %xmm0,(%rsp)\nmovups %xmm1,16(%rsp)\nmov %r11,%rdi\ncall next_of\n"
        "mov %rax,%r11\nmovups (%rsp),%xmm0\nmovups 16(%rsp),%xmm1\nadd $32,%rsp\n"
        "pop %r10\npop %rax\npop %r9\npop %r8\n"
        "pop %rcx\npop %rdx\npop %rsi\npop %rdi\nleave\njmp *%r11\n");
"""

LIBRARY = """
int twice(int value) { return 2 * value; }
int thrice(int value) { return 3 * value; }
int unused(int value) { return value; }
int number = 7;
static int inside(int value) { return value + 1; }
int calls_inside(int value) { return inside(value); }
"""
VERSIONS = "FIRST_1.0 { global: twice; thrice; unused; number; calls_inside; local: *; };"
CALLER = r"""
#include <stdio.h>
int twice(int); int thrice(int); int calls_inside(int); extern int number;
static int own(int value) { return value + 100; }
int exported(int value) { return own(value); }
int main(void) { printf("%d %d %d %d\n", twice(21), thrice(5), calls_inside(number), exported(1)); return 0; }
"""
CALLER_SAYS = "42 15 8 101\n"


class Hook(NamedTuple):
    """An entry of a hook object's table."""
    symbol: str
    kind: int
    version: str
    module: str
    label: str
    stack_bytes: int
    offset: int
    does: int


class HookTest(ToolTest):
    """A test whose shim is the stand-in, with a library, a program and a cache of its own for every run."""

    caller: Path
    provider: Path

    @classmethod
    def setUpClass(cls) -> None:
        if os.uname().machine not in ("x86_64", "aarch64"):
            print("SKIPPED: functions are hooked on x86-64 and AArch64 only")
            sys.exit(SKIPPED)
        super().setUpClass()
        compile_text(STAND_IN, cls.stub, "-shared", "-fPIC")
        cls.provider = cls.shared("libprovider.so.1", LIBRARY, "-fno-semantic-interposition", versions=VERSIONS)
        cls.caller = cls.program("caller", str(cls.provider), f"-Wl,-rpath,{cls.folder}", text=CALLER)
        cls.runs = 0

    @classmethod
    def shared(cls, name: str, text: str, *flags: str, versions: str = "") -> Path:
        path = cls.folder / name
        if versions:
            script = cls.folder / f"{name}.map"
            script.write_text(versions, encoding="utf-8")
            flags += (f"-Wl,--version-script={script}",)
        compile_text(text, path, "-shared", "-fPIC", "-O1", f"-Wl,-soname,{name}", *flags)
        return path

    def fresh(self, **more: str) -> dict[str, str]:
        """An environment with an empty cache, and a file for what the stand-in says."""
        type(self).runs += 1
        here = self.folder / f"run-{self.runs}"
        here.mkdir()
        return self.environment(XDG_CACHE_HOME=str(here / "cache"), STUB_SAYS=str(here / "said"), **more)

    def said(self, environment: dict[str, str]) -> list[list[str]]:
        path = Path(environment["STUB_SAYS"])
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def object_of(self, environment: dict[str, str]) -> Path:
        path, = (Path(environment["XDG_CACHE_HOME"]) / "scratch").iterdir()
        return path

    def hooks(self, *arguments: object, **more: str) -> dict[str, Hook]:
        """What a run that must succeed hooks, but for what ends scopes by jumps."""
        environment = self.fresh(**more)
        done = self.scratch("run", *arguments, environment=environment)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        hooks, _ = read_object(self.object_of(environment))
        return {hook.symbol: hook for hook in hooks if hook.kind not in (LONGJMP, SWITCH)}


def read_object(path: Path) -> tuple[list[Hook], list[tuple[str, str]]]:
    """The entries and the exclusions of the table."""
    content = path.read_bytes()
    table, = Module(str(path)).definitions("scratch_hooks_v1")

    def text(at: int, away: int) -> str:
        start = at + away
        return content[start:content.index(b"\0", start)].decode() if away else ""

    at = table.value
    magic, version, count, size, excluded, first, first_excluded = struct.unpack_from("<8sIIIIqq", content, at)
    assert (magic, version, size) == (b"SCRHOOK1", 1, 96), (magic, version, size)
    hooks, exclusions = [], []
    for index in range(count):
        here = at + first + 96 * index
        target, name, asked, module, label, kind, stack, offset, does = struct.unpack_from("<QqqqqIIQI", content, here)
        assert target == 0
        hooks.append(Hook(text(here, name), kind, text(here, asked), text(here, module), text(here, label), stack,
                          offset, does))
    for index in range(excluded):
        here = at + first_excluded + 16 * index
        module, function = struct.unpack_from("<qq", content, here)
        exclusions.append((text(here, module), text(here, function)))
    return hooks, exclusions


def output_of(*command: object) -> str:
    return subprocess.run(list(map(str, command)), text=True, check=True, stdout=subprocess.PIPE).stdout
