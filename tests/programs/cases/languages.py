"""Interpreters, each with a script that uses its strings, tables and closures."""

from __future__ import annotations

from harness.registry import case
from harness.run import Run

_PERL = r"""
use strict; use warnings;
my $n = shift; my (%h, @a, $x); $x = 7;
for my $i (1 .. $n) {
    $x = ($x * 1103515245 + 12345) % 2147483648;
    my $k = sprintf "k%05d", $x % 9973;
    $h{$k} .= join ",", map { $_ * $i % 17 } 1 .. 5;
    $h{$k} = substr $h{$k}, -60 if length $h{$k} > 200;
    push @a, { id => $i, key => $k, f => sub { $_[0] + $i } } if $i % 9 == 0;
    (my $copy = $k) =~ s/(\d)(\d)/$2$1/g;
    delete $h{$copy} if $i % 3 == 0;
}
my $sum = 0; $sum += $_->{f}->($_->{id}) for @a;
my @top = (sort { $h{$a} cmp $h{$b} || $a cmp $b } keys %h)[0 .. 20];
print "$sum ", scalar(keys %h), " ", scalar(@a), "\n", map { "$_ $h{$_}\n" } @top;
open my $f, ">", "keys.txt" or die; print $f "$_\n" for sort keys %h; close $f;
my $text = join " ", map { $_->{key} } @a; my %c; $c{$1}++ while $text =~ /(k\d\d)/g;
print join(" ", map { "$_=$c{$_}" } sort keys %c), "\n";
warn "a warning to standard error\n";
"""

_PYTHON = r"""
import collections, json, re, sys
n = int(sys.argv[1]); x = 7; table = {}; out = []
class Node:
    def __init__(self, key, left, right): self.key, self.left, self.right = key, left, right
def build(lo, hi):
    if lo >= hi: return None
    mid = (lo + hi) // 2
    return Node(str(mid) * 3, build(lo, mid), build(mid + 1, hi))
def depth(node): return 0 if node is None else 1 + max(depth(node.left), depth(node.right))
for i in range(n):
    x = (x * 1103515245 + 12345) % 2147483648
    k = f"k{x % 9973:05d}"
    table.setdefault(k, []).append((i, k[::-1], x / 3))
    if i % 5 == 0: out.append(sorted(table)[:1] if len(table) < 50 else [k.upper()])
    if i % 4001 == 0: out.append(depth(build(0, 1500)))
words = re.findall(r"\d\d", " ".join(table))
print(len(table), len(out), collections.Counter(words).most_common(7))
text = json.dumps({k: table[k][-2:] for k in sorted(table)})
print(len(text), sum(len(v) for v in json.loads(text).values()))
with open("table.json", "w") as file: file.write(text)
print("done", file=sys.stderr)
"""

_LUA = r"""
local n, x = tonumber(arg[1]), 7
local t, list = {}, {}
for i = 1, n do
  x = (x * 1103515245 + 12345) % 2147483648
  local k = string.format("k%05d", x % 9973)
  t[k] = (t[k] or "") .. (i % 17) .. ","
  if #t[k] > 150 then t[k] = t[k]:sub(-40):gsub("1", "one") end
  if i % 7 == 0 then list[#list + 1] = { id = i, key = k, f = function(y) return y + i end } end
end
local sum = 0
for _, e in ipairs(list) do sum = sum + e.f(e.id) end
local keys = {}
for k in pairs(t) do keys[#keys + 1] = k end
table.sort(keys)
print(sum, #keys, #list)
for i = 1, #keys, 500 do print(keys[i], t[keys[i]]) end
local f = assert(io.open("keys.txt", "w")) f:write(table.concat(keys, "\n"), "\n") f:close()
local c = coroutine.wrap(function() for i = 1, 2000 do coroutine.yield(("x"):rep(i % 90)) end end)
local total = 0
for i = 1, 2000 do total = total + #c() end
print(total, collectgarbage("count") > 0)
io.stderr:write("done\n")
"""

_TCL = r"""
set n [lindex $argv 0]; set x 7
for {set i 0} {$i < $n} {incr i} {
    set x [expr {($x * 1103515245 + 12345) % 2147483648}]
    set k [format k%05d [expr {$x % 9973}]]
    dict append d $k [expr {$i % 17}],
    if {[string length [dict get $d $k]] > 150} { dict set d $k [regsub -all {1} [string range [dict get $d $k] end-40 end] one] }
    if {$i % 7 == 0} { lappend list [list $i $k [string reverse $k]] }
}
set sum 0
foreach e $list { incr sum [lindex $e 0] }
set keys [lsort [dict keys $d]]
puts "$sum [llength $keys] [llength $list]"
for {set i 0} {$i < [llength $keys]} {incr i 500} { puts "[lindex $keys $i] [dict get $d [lindex $keys $i]]" }
set f [open keys.txt w]; puts $f [join $keys \n]; close $f
puts [llength [split [join [lsort -unique -index 1 $list] " "] k]]
puts stderr done
"""

_RUBY = r"""
n = ARGV[0].to_i; x = 7; table = Hash.new { |h, k| h[k] = "" }; list = []
n.times do |i|
  x = (x * 1103515245 + 12345) % 2147483648
  k = format("k%05d", x % 9973)
  table[k] += (1..4).map { |j| j * i % 17 }.join(",")
  table[k] = table[k][-50..].gsub("1", "one") if table[k].size > 150
  list << { id: i, key: k, f: ->(y) { y + i } } if i % 7 == 0
end
puts [list.sum { |e| e[:f].call(e[:id]) }, table.size, list.size].inspect
table.sort.each_slice(500) { |s| puts s.first.inspect }
File.write("keys.txt", table.keys.sort.join("\n"))
puts list.group_by { |e| e[:key][0, 3] }.transform_values(&:size).sort.to_h
warn "done"
"""

_PHP = r"""<?php
$n = (int)$argv[1]; $x = 7; $table = []; $list = [];
for ($i = 0; $i < $n; $i++) {
    $x = ($x * 1103515245 + 12345) % 2147483648;
    $k = sprintf("k%05d", $x % 9973);
    $table[$k] = ($table[$k] ?? "") . implode(",", array_map(fn($j) => $j * $i % 17, [1, 2, 3, 4]));
    if (strlen($table[$k]) > 150) $table[$k] = preg_replace('/1(\d)/', 'one$1', substr($table[$k], -50));
    if ($i % 7 == 0) $list[] = ["id" => $i, "key" => $k, "f" => fn($y) => $y + $i];
}
ksort($table);
$sum = 0; foreach ($list as $e) $sum += $e["f"]($e["id"]);
echo "$sum ", count($table), " ", count($list), "\n";
file_put_contents("table.json", json_encode(array_slice($table, 0, 3000)));
echo md5(serialize($table)), " ", count(json_decode(file_get_contents("table.json"), true)), "\n";
fwrite(STDERR, "done\n");
"""

_NODE = r"""
const n = Number(process.argv[2]); let x = 7; const table = new Map(); const list = [];
for (let i = 0; i < n; i++) {
  x = Number((BigInt(x) * 1103515245n + 12345n) % 2147483648n);
  const k = "k" + String(x % 9973).padStart(5, "0");
  table.set(k, (table.get(k) || "") + [1, 2, 3, 4].map((j) => (j * i) % 17).join(","));
  if (table.get(k).length > 150) table.set(k, table.get(k).slice(-50).replace(/1/g, "one"));
  if (i % 7 === 0) list.push({ id: i, key: k, f: (y) => y + i });
}
const keys = [...table.keys()].sort();
console.log(list.reduce((s, e) => s + e.f(e.id), 0), keys.length, list.length);
require("fs").writeFileSync("keys.json", JSON.stringify(keys));
const zlib = require("zlib"), crypto = require("crypto");
const packed = zlib.deflateSync(Buffer.from(keys.join("\n").repeat(5)));
console.log(crypto.createHash("sha256").update(zlib.inflateSync(packed)).digest("hex"));
setTimeout(() => console.error("done"), 1);
"""

_SCHEME = r"""
(use-modules (ice-9 format) (srfi srfi-1))
(define n (string->number (cadr (command-line))))
(define table (make-hash-table))
(define (loop i x total)
  (if (= i n) total
    (let* ((y (modulo (+ (* x 1103515245) 12345) 2147483648))
           (k (string-append "k" (number->string (modulo y 9973)))))
      (hash-set! table k (cons i (take (hash-ref table k '()) (min 5 (length (hash-ref table k '()))))))
      (loop (+ i 1) y (+ total (string-length (string-join (map number->string (hash-ref table k)) ",")))))))
(define total (loop 0 7 0))
(define keys (sort (hash-map->list (lambda (k v) k) table) string<?))
(format #t "~a ~a ~a\n" total (length keys) (expt 7 300))
(call-with-output-file "keys.txt" (lambda (p) (for-each (lambda (k) (write (cons k (hash-ref table k)) p)) keys)))
(display "done\n" (current-error-port))
"""

_PYTHON_THREADS = r"""
import os, queue, subprocess, sys, threading, zlib
n = int(sys.argv[1]); q = queue.Queue(50); sums = [0] * 4
def produce(k):
    for i in range(n): q.put((k, {str(j): [j] * (i % 9) for j in range(5)}, bytes(i % 3000)))
    q.put(None)
def consume(k):
    while (got := q.get()) is not None:
        sums[k] += zlib.crc32(got[2]) % 97 + sum(len(v) for v in got[1].values())
threads = [threading.Thread(target=f, args=(k,)) for k in range(3) for f in (produce, consume)]
for t in threads: t.start()
codes = []
for i in range(30):
    pid = os.fork()
    if pid == 0:
        x = {str(k): bytes(k) for k in range(400)}
        t = threading.Thread(target=lambda: x.clear()); t.start(); t.join()
        os._exit(i + len(x))
    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    if i % 10 == 0: codes.append(subprocess.run(["echo", str(i)], capture_output=True).stdout)
for t in threads: t.join()
print(sum(sums), codes)
for i in range(200):
    t = threading.Thread(target=lambda: sums.append([str(k) for k in range(50)])); t.start(); t.join()
print(len(sums))
"""

_LISP = r"""
(defvar *table* (make-hash-table :test 'equal))
(let ((x 7) (total 0))
  (dotimes (i ROUNDS)
    (setf x (mod (+ (* x 1103515245) 12345) 2147483648))
    (let ((k (format nil "k~5,'0d" (mod x 9973))))
      (push i (gethash k *table*))
      (when (> (length (gethash k *table*)) 20) (setf (gethash k *table*) nil))
      (incf total (length k))))
  (format t "~a ~a ~a~%" total (hash-table-count *table*) (mod (expt 7 5000) 1000007)))
(let ((keys (sort (loop for k being the hash-keys of *table* collect k) #'string<)))
  (with-open-file (f "keys.txt" :direction :output) (dolist (k keys) (format f "~a ~a~%" k (gethash k *table*)))))
(format t "~a~%" (handler-case (labels ((f (n) (if (= n 0) (/ 1 n) (+ 1 (f (- n 1)))))) (f 9000)) (division-by-zero () "deep enough")))
(format *error-output* "done~%")
"""

_BASH = r"""
n=$1; declare -A table; list=(); x=7
twist() { local s=$1; s=${s//1/one}; s=${s%%,*}; printf '%s' "${s^^}"; }
for ((i = 0; i < n; i++)); do
    x=$(((x * 1103515245 + 12345) % 2147483648))
    printf -v k 'k%05d' $((x % 997))
    table[$k]+="$((i % 17)),"
    ((${#table[$k]} > 60)) && table[$k]=${table[$k]: -20}
    ((i % 50)) || list+=("$(twist "${table[$k]}")")
done
echo "${#table[@]} ${#list[@]} ${list[*]:0:20}"
for k in "${!table[@]}"; do echo "$k ${table[$k]}"; done | sort >keys.txt
while read -r k v; do [[ $v =~ ^([0-9]+), ]] && ((sum += BASH_REMATCH[1])); done <keys.txt
echo "$sum"
cat <<<"here" | tr a-z A-Z
(exit 5); echo "status $?"
echo done >&2
"""


@case("perl")
def perl(run: Run) -> None:
    run.command("perl", run.write("script.pl", _PERL), run.scaled(30000, 400000))


@case("python3")
def python3(run: Run) -> None:
    # Without its own small-object allocator every object is a malloc.
    settings = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    run.command("python3", run.write("script.py", _PYTHON), run.scaled(25000, 300000), env=settings)


@case("lua", "lua5.4")
def lua(run: Run) -> None:
    run.command("lua5.4", run.write("script.lua", _LUA), run.scaled(80000, 1000000))


@case("tclsh")
def tclsh(run: Run) -> None:
    run.command("tclsh", run.write("script.tcl", _TCL), run.scaled(40000, 500000))


@case("ruby")
def ruby(run: Run) -> None:
    run.command("ruby", "--disable-gems", run.write("script.rb", _RUBY), run.scaled(40000, 500000))


@case("php")
def php(run: Run) -> None:
    # Without its own memory manager every value is a malloc.
    script = run.write("script.php", _PHP)
    run.command("php", "-n", script, run.scaled(60000, 900000), env={"USE_ZEND_ALLOC": "0"})


@case("node")
def node(run: Run) -> None:
    run.command("node", run.write("script.js", _NODE), run.scaled(60000, 900000))


@case("guile")
def guile(run: Run) -> None:
    script = run.write("script.scm", _SCHEME)
    run.command("guile", "--no-auto-compile", "-s", script, run.scaled(10000, 250000))


@case("python3-threads", "python3")
def python3_threads(run: Run) -> None:
    """Blocks that other threads free, and forks while threads run."""
    # From 3.12 on Python warns of a fork beside threads, with the number of the process in it.
    settings = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore::DeprecationWarning"}
    run.command("python3", run.write("script.py", _PYTHON_THREADS), run.scaled(3000, 40000), env=settings)


@case("sbcl")
def sbcl(run: Run) -> None:
    """It maps its heap at fixed addresses and lives on SIGSEGV."""
    script = run.write("script.lisp", _LISP.replace("ROUNDS", str(run.scaled(30000, 700000))))
    run.command("sbcl", "--script", script)


@case("bash", "bash", "sort", "tr", exec_heavy=True)
def bash(run: Run) -> None:
    run.command("bash", run.write("script.sh", _BASH), run.scaled(4000, 60000))
