"""libscratch.so exports the scratch_ names and nothing else, and needs no library but libc."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from reading_programs import need, output_of

# Each inlined function must be there for those who cannot inline.
INLINED = """this_thread push try_push push_zero try_push_zero pop save restore scope_begin scope_end
scope_push try_scope_push fill copy""".split()


def declared(headers: Path) -> set[str]:
    """The functions that the public header declares."""
    text = re.sub(r"/\*.*?\*/", "", (headers / "scratch.h").read_text(), flags=re.DOTALL)
    return set(re.findall(r"^SCRATCH_(?:API|INLINE)[^;{(]*?\b(scratch_\w+)\(", text, flags=re.MULTILINE))


def main(library: Path, headers: Path) -> int:
    """Reads the dynamic section and the dynamic symbols."""
    need("readelf")
    dynamic = output_of("readelf", "-dW", library)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    symbols = output_of("readelf", "--dyn-syms", "-W", library)
    exported = {
        row[7].split("@")[0]: row
        for row in (line.split() for line in symbols.splitlines())
        if len(row) >= 8 and row[0].rstrip(":").isdigit() and row[6] not in ("UND", "ABS")
    }
    wanted = declared(headers)
    problems = []
    if [name for name in needed if not re.match(r"(libc|ld-linux.*|ld-musl.*)\.so", name)]:
        problems.append(f"it needs more than libc: {needed}")
    if not re.search(r"\(SONAME\).*\[libscratch\.so\.0\]", dynamic):
        problems.append("its soname is not libscratch.so.0")
    if strangers := [name for name in exported if not name.startswith("scratch_")]:
        problems.append(f"it exports strangers: {strangers}")
    if len(wanted) < 40 or not {f"scratch_{name}" for name in INLINED} <= wanted:
        problems.append(f"the header was not understood: {sorted(wanted)}")
    if missing := sorted(wanted - set(exported)):
        problems.append(f"it does not export {missing}")
    # initial-exec: no call of __tls_get_addr on the way to a thread's stack.
    if "__tls_get_addr" in symbols:
        problems.append("it calls __tls_get_addr")
    # A key or a handler would be the program's, and run at the wrong time.
    for name in ("pthread_key_create", "pthread_atfork", "__register_atfork", "__cxa_thread_atexit", "malloc"):
        if re.search(rf"\b{name}\b", symbols):
            problems.append(f"it uses {name}")
    print(*(problems or ["the library is as it should be"]), sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
