"""Generated inputs: the same bytes on every machine, for a given amount."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

_SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo yu za".split()


def vocabulary(count: int = 4000) -> list[str]:
    """Invented words, the short ones first."""
    source = random.Random(1)
    words = {"".join(source.choice(_SYLLABLES) for _ in range(1 + n % 4)) for n in range(count * 2)}
    return sorted(words, key=lambda word: (len(word), word))[:count]


def prose(path: Path, lines: int) -> None:
    """Lines of words, common words more often, with numbers among them."""
    source = random.Random(2)
    words = vocabulary()
    with open(path, "w") as out:
        for number in range(lines):
            picked = [words[int(source.random() ** 3 * len(words))] for _ in range(source.randint(4, 14))]
            picked[source.randrange(len(picked))] = str(source.randrange(100000))
            out.write(f"{number % 977:04d} {' '.join(picked)}.\n")


def prose_edited(path: Path, lines: int) -> None:
    """The prose with about one line in 60 changed, moved or gone: the other side of a diff."""
    prose(path, lines)
    source = random.Random(3)
    old = path.read_text().splitlines()
    new: list[str] = []
    for line in old:
        fate = source.random()
        if fate < 0.005:
            continue
        if fate < 0.012:
            line = line[::-1]
        new.append(line)
        if fate > 0.995:
            new.append(f"inserted after {line[:9]}")
    path.write_text("\n".join(new) + "\n")


def orders_xml(path: Path, count: int) -> None:
    """A document of orders with items, attributes, comments and a little mixed content."""
    source = random.Random(4)
    words = vocabulary(500)
    with open(path, "w") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<orders>\n')
        for number in range(count):
            customer = source.choice(words)
            out.write(f'<order id="o{number}" customer="{customer}"><!-- {number} -->')
            for _ in range(source.randint(1, 6)):
                item = source.choice(words)
                price = source.randrange(100, 99999) / 100
                amount = source.randint(1, 9)
                out.write(f'<item sku="{item}" amount="{amount}"><price>{price:.2f}</price>')
                out.write(f"<note>{item} &amp; <b>{source.choice(words)}</b> fine</note></item>")
            out.write("</order>\n")
        out.write("</orders>\n")


def records_json(path: Path, count: int) -> None:
    """An array of objects with nested arrays and strings that need escapes."""
    source = random.Random(5)
    words = vocabulary(800)
    with open(path, "w") as out:
        out.write("[\n")
        for number in range(count):
            tags = ",".join(f'"{source.choice(words)}"' for _ in range(source.randint(0, 5)))
            name = f"{source.choice(words)} \\u00e9 \\\"{source.choice(words)}\\\""
            value = source.randrange(10**6) / 1000
            out.write(
                f'{{"id":{number},"name":"{name}","value":{value},"tags":[{tags}],'
                f'"place":{{"x":{source.randrange(100)},"y":{source.randrange(100)}}}}}'
            )
            out.write(",\n" if number + 1 < count else "\n")
        out.write("]\n")


def templates_cpp(path: Path, count: int) -> None:
    """C++ that keeps a compiler busy: `count` sets of class and function templates, each used."""
    parts = ["#include <algorithm>\n#include <map>\n#include <string>\n#include <tuple>\n#include <vector>\n"]
    parts.append(
        "template <int n> struct tower { static constexpr long v = tower<n - 1>::v * 3 % 1000003 + n; };\n"
        "template <> struct tower<0> { static constexpr long v = 1; };\n"
        "template <class... T> constexpr long width(const std::tuple<T...> &) { return (0 + ... + sizeof(T)); }\n"
    )
    for n in range(count):
        parts.append(
            f"""
template <class T> struct holder{n} {{
    T a; std::vector<T> many; std::map<std::string, T> named;
    template <class F> auto each(F f) const {{ long s = 0; for (auto &x : many) s += f(x); return s; }}
    void add(const std::string &key, T x) {{ many.push_back(x); named[key] = x; std::sort(many.begin(), many.end()); }}
}};
long use{n}(int k) {{
    holder{n}<int> i{{}}; holder{n}<long> l{{}}; holder{n}<double> d{{}};
    for (int j = 0; j < k; ++j) {{ i.add("i", j); l.add("l", j * 2L); d.add("d", j / 3.0); }}
    auto t = std::make_tuple(i.each([](int x) {{ return x + {n}; }}), l.each([](long x) {{ return x; }}), d.a);
    return std::get<0>(t) + std::get<1>(t) + width(t) + tower<{60 + n % 40}>::v;
}}
"""
        )
    path.write_text("".join(parts))


def object_file(path: Path, count: int) -> None:
    """The compiled templates with debug information, for a linker."""
    source = path.with_suffix(".cpp")
    templates_cpp(source, count)
    options = ["-std=c++17", "-O0", "-g", "-fPIC", "-c"]
    subprocess.run(["/usr/bin/g++", *options, "-o", str(path), str(source)], check=True)


def rsa_key(path: Path, bits: int) -> None:
    """A private RSA key: random, but made once for all the runs that are compared."""
    command = ["/usr/bin/openssl", "genrsa", "-traditional", "-out", str(path), str(bits)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def c_project(path: Path, files: int) -> None:
    """A folder with C sources, a header and a makefile, as a small project has them."""
    path.mkdir()
    names = [f"part{n}" for n in range(files)]
    declarations = "".join(f"long {name}(long);\n" for name in names)
    (path / "parts.h").write_text(f"#include <stdio.h>\n#include <stdlib.h>\n{declarations}")
    for n, name in enumerate(names):
        body = "".join(
            f"static long step{k}(long x) {{ for (int i = 0; i < {k + 3}; ++i) x = x * {n + k + 3} % 10007 + i; return x; }}\n"
            for k in range(12)
        )
        calls = "".join(f"    x = step{k}(x);\n" for k in range(12))
        text = f'#include "parts.h"\n{body}long {name}(long x) {{\n{calls}    return x;\n}}\n'
        (path / f"{name}.c").write_text(text)
    total = "".join(f"    x += {name}(x);\n" for name in names)
    main = f'#include "parts.h"\nint main(void) {{\n    long x = 1;\n{total}    printf("%ld\\n", x);\n}}\n'
    (path / "main.c").write_text(main)
    objects = " ".join(f"{name}.o" for name in names)
    (path / "Makefile").write_text(
        f"OBJECTS := {objects}\nCFLAGS := -O1 -g0\nVPATH := $(SOURCE)\n\n"
        "all: program report.txt\n\n"
        "program: main.o libparts.a\n\t$(CC) -o $@ $^\n\n"
        "libparts.a: $(OBJECTS)\n\t$(AR) rcD $@ $^\n\n"
        "%.o: %.c parts.h\n\t$(CC) $(CFLAGS) -I$(SOURCE) -c -o $@ $<\n\n"
        "report.txt: program\n\t./program >$@\n\t@echo $(words $(OBJECTS)) parts, $(sort $(OBJECTS:.o=)) >>$@\n"
    )


def many_files(path: Path, count: int) -> None:
    """A folder tree with `count` small files, some executable, some links."""
    source = random.Random(6)
    words = vocabulary(600)
    path.mkdir()
    for n in range(count):
        folder = path / source.choice(words[:40]) / source.choice(words[40:80])
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{source.choice(words)}-{n}.txt"
        lines = (" ".join(source.choice(words) for _ in range(8)) for _ in range(source.randint(1, 60)))
        target.write_text("\n".join(lines) + "\n")
        if n % 7 == 0:
            target.chmod(0o755)
        if n % 11 == 0:
            (folder / f"link-{n}").symlink_to(target.name)


def graph_dot(path: Path, nodes: int) -> None:
    """A directed graph with clusters, for graphviz."""
    source = random.Random(7)
    words = vocabulary(300)
    lines = ["digraph g {", "  rankdir=LR; node [shape=box, fontname=Courier];"]
    for n in range(1, nodes):
        lines.append(f'  n{n} [label="{source.choice(words)}\\n{n}"];')
        lines.append(f"  n{max(0, n - source.randint(1, 6))} -> n{n};")
        if n % 5 == 0:
            lines.append(f"  n{n} -> n{source.randrange(n)} [style=dashed];")
    path.write_text("\n".join(lines) + "\n}\n")


def sql_rows(path: Path, count: int) -> None:
    """Insert statements for a table `event(id, kind, weight, note)`."""
    source = random.Random(8)
    words = vocabulary(700)
    with open(path, "w") as out:
        for n in range(0, count, 50):
            rows = ",".join(
                f"({k},'{source.choice(words)}',{source.randrange(10**6)},"
                f"'{source.choice(words)} {source.choice(words)}')"
                for k in range(n, min(n + 50, count))
            )
            out.write(f"INSERT INTO event VALUES {rows};\n")
