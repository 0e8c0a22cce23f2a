"""Programs that work on lines of text."""

from __future__ import annotations

from harness import inputs
from harness.registry import case
from harness.run import Run

_AWK = r"""
{ for (i = 2; i <= NF; i++) { w = $i; gsub(/[^a-z]/, "", w); if (w != "") n[w]++; len[length(w)] += i } }
$2 ~ /^[0-9]+$/ { sum += $2; pair[$1 % 10, $2 % 10]++ }
{ line = line substr($0, 6, 3); if (length(line) > 400) { out += length(toupper(line)); line = "" } }
END {
    for (w in n) total += n[w] * length(w)
    for (l in len) weight += l * len[l]
    for (k in pair) { split(k, p, SUBSEP); grid += p[1] * p[2] * pair[k] }
    printf "%d %d %d %d %d\n", total, weight, sum, grid, out
    for (w in n) if (n[w] > 200) print n[w], w | "sort -k1,1nr -k2"
    close("sort -k1,1nr -k2")
}
"""


@case("gawk", "gawk", "sort")
def gawk(run: Run) -> None:
    prose = run.input("prose.txt", inputs.prose, 12000, 180000)
    program = run.write("count.awk", _AWK)
    run.command("gawk", "-f", program, prose)
    run.command("gawk", "BEGIN { exit 3 }", status=3)


@case("mawk", "mawk", "sort")
def mawk(run: Run) -> None:
    prose = run.input("prose.txt", inputs.prose, 12000, 200000)
    run.command("mawk", "-f", run.write("count.awk", _AWK), prose)


@case("sed")
def sed(run: Run) -> None:
    prose = run.input("prose.txt", inputs.prose, 12000, 200000)
    script = (
        r"s/\([a-z]*\) \([a-z]*\)/\2 \1/g; /[0-9]\{5\}/{h; s/[^0-9]//g; G; s/\n/ /}; "
        r"y/aeiou/AEIOU/; 10~13d; $!N; P; D"
    )
    run.command("sed", script, prose)
    run.command("sed", "-n", "-E", r"s/^(.*) ([a-z]+)\.$/\2: \1/w words.txt", prose)


@case("grep")
def grep(run: Run) -> None:
    prose = run.input("prose.txt", inputs.prose, 20000, 400000)
    run.command("grep", "-n", "-E", r"(ba|ce)+(di|fo)*\b.*\b(lo|mu)\w{2,6} [0-9]{2,}", prose)
    run.command("grep", "-c", "-i", "-w", "QUIRO", prose, status=None)
    run.command("grep", "-o", "-E", r"\b([a-z]{2})\1\w*", prose)
    run.command("grep", "-P", r"(?<=xo)yu(?!za)\w+", prose)
    run.command("grep", "nowhere-at-all", prose, status=1)


@case("sort")
def sort(run: Run) -> None:
    prose = run.input("prose.txt", inputs.prose, 20000, 300000)
    run.command("sort", "--parallel=2", "-k3,3", "-k2,2n", prose)
    run.command("sort", "-S", "1M", "-T", run.state, "-r", "-o", "sorted.txt", prose)
    run.command("sort", "-u", "-f", "-k2,2", prose)
    run.command("sort", "-c", prose, status=1)


@case("diff", "diff", "patch")
def diff(run: Run) -> None:
    old = run.input("prose.txt", inputs.prose, 12000, 150000)
    new = run.input("edited.txt", inputs.prose_edited, 12000, 150000)
    made = run.command("diff", "--label", "a", "--label", "b", "-u", old, new, status=1)
    run.command("diff", "--minimal", "-e", old, new, status=1)
    run.command("diff", "-y", "-W", "100", "--suppress-common-lines", old, new, status=1)
    run.command("patch", "-s", "-o", "patched.txt", old, stdin=made.output)


@case("find", "find", "xargs", "sort")
def find(run: Run) -> None:
    tree = run.input("tree", inputs.many_files, 800, 8000)
    run.command("bash", "-c", f"cd {tree} && find . -type f -size +1k -name '*ba*' | sort")
    run.command("bash", "-c", f"cd {tree} && find . -type l -printf '%p -> %l\\n' | sort")
    run.command("bash", "-c", f"cd {tree} && find . -perm -100 -type f -print0 | sort -z | xargs -0 wc -l")
    run.command("bash", "-c", f"cd {tree} && find . -name '*-1*.txt' -exec cat {{}} + | sort | uniq -c")


@case("bc")
def bc(run: Run) -> None:
    digits = run.scaled(600, 1900)
    run.command("bc", "-l", stdin=f"scale={digits}\n4*a(1)\ne(1)\nsqrt(2)\n2^4096 % 10007\n".encode())


_VIM = r"""
set nomore viminfo= nocp encoding=utf-8
%s/\v(\w+) (\w+)/\2-\1/g
g/^0[0-4]/m0
v/a/d
let words = {}
for line in getline(1, '$')
  for word in split(line, '\W\+')
    let words[word] = get(words, word, 0) + 1
  endfor
endfor
call append(0, map(sort(keys(words)), 'v:val . " " . words[v:val]'))
sort n
%!tr a-z A-Z
undo
redo
w! result.txt
qa!
"""


@case("vim", "vim.tiny", "tr")
def vim(run: Run) -> None:
    prose = run.input("prose.txt", inputs.prose, 1200, 20000)
    commands = _VIM if "+eval" in _vim_features(run) else "\n".join(
        line for line in _VIM.splitlines() if not line.startswith((" ", "let", "for", "endfor", "call"))
    )  # fmt: skip
    run.command("vim.tiny", "-u", "NONE", "-i", "NONE", "-n", "-e", "-s", prose, stdin=commands.encode(), status=None)


def _vim_features(run: Run) -> str:
    return run.command("vim.tiny", "--version", preload=False, compared=False).output.decode()


@case("m4")
def m4(run: Run) -> None:
    rounds = run.scaled(6000, 80000)
    text = (
        "define(`forloop', `pushdef(`$1', `$2')_forloop($@)popdef(`$1')')\n"
        "define(`_forloop', `$4`'ifelse($1, `$3', `', `define(`$1', incr($1))$0($@)')')\n"
        f"forloop(`i', 1, {rounds}, `define(`name_'i, `translit(i, `0123456789', `abcdefghij')')"
        "ifelse(eval(i % 50), 0, `indir(`name_'i) len(i) eval(i * 7 + 3, 16)\n')')\n"
    )
    run.command("m4", run.write("input.m4", text))
