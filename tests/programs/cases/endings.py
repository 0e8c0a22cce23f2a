"""How programs end: signals, aborts, statuses, and output that cannot be written."""

from __future__ import annotations

import signal

from harness import inputs
from harness.registry import case
from harness.run import Run

_PLAIN_MALLOC = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}


@case("ends-by-fault", "python3", "bash", benchmark=False)
def fault(run: Run) -> None:
    run.command("python3", "-c", "import ctypes; print('before', flush=True); ctypes.string_at(8)",
                env=_PLAIN_MALLOC, status=-signal.SIGSEGV)  # fmt: skip
    # The machine stack runs out, in the shell itself and in one that it started.
    run.command("bash", "-c", "ulimit -s 512; f() { f; }; f", status=-signal.SIGSEGV)
    run.command("bash", "-c", "{ bash -c 'kill -SEGV $$'; } 2>/dev/null; echo status $?")
    run.command("python3", "-c", "import faulthandler; faulthandler._sigfpe()",
                env=_PLAIN_MALLOC, status=-signal.SIGFPE)  # fmt: skip


@case("ends-by-abort", "python3", "perl", benchmark=False)
def abort(run: Run) -> None:
    run.command("python3", "-c", "import os; x = [str(i) for i in range(99999)]; os.abort()",
                env=_PLAIN_MALLOC, status=-signal.SIGABRT)  # fmt: skip
    run.command("perl", "-MPOSIX", "-e", "print 'lost'; POSIX::abort()", status=-signal.SIGABRT)


@case("ends-by-status", "bash", "perl", "gawk", "python3", "tclsh", "lua5.4", benchmark=False)
def status(run: Run) -> None:
    run.command("bash", "-c", "exit 3", status=3)
    run.command("perl", "-e", "END { $? = 3 } die 'gone'", status=3)
    run.command("gawk", "BEGIN { exit 3 }", status=3)
    run.command("python3", "-c", "import os, sys; sys.stdout.write('lost'); os._exit(3)", env=_PLAIN_MALLOC, status=3)
    run.command("python3", "-c", "import atexit; atexit.register(print, 'last'); raise SystemExit(255)", status=255)
    run.command("tclsh", stdin=b"puts first\nexit 3\n", status=3)
    run.command("lua5.4", "-e", "os.exit(3, true)", status=3)
    run.command("lua5.4", "-e", "error('story')", status=1)


@case("ends-by-signal", "bash", "perl", "python3", "sleep", "timeout", "yes", benchmark=False)
def by_signal(run: Run) -> None:
    run.command("bash", "-c", "kill -TERM $$", status=-signal.SIGTERM)
    run.command("bash", "-c", "trap 'echo caught; exit 4' TERM; kill -TERM $$; echo not reached", status=4)
    run.command("perl", "-e", "$SIG{ALRM} = sub { print qq(alarm\\n); exit 6 }; alarm 1; my %h; for (my $i = 0; ; $i++) "
                "{ $h{$i % 5000} = 'x' x ($i % 300) }", status=6)  # fmt: skip
    run.command("perl", "-e", "kill KILL => $$", status=-signal.SIGKILL)
    run.command("timeout", "0.2", "sleep", "20", status=124)
    run.command("timeout", "-s", "KILL", "0.2", "sleep", "20", status=-signal.SIGKILL)
    run.command("bash", "-c", "yes | head -n 2; echo ${PIPESTATUS[@]}")
    run.command("python3", "-c", "import os, signal\nfor i in range(50):\n    if os.fork() == 0:\n        x = [str(k) for k in "
                "range(3000)]; os.kill(os.getpid(), signal.SIGUSR1)\nstatuses = [os.wait()[1] for i in range(50)]\n"
                "print(statuses)", env=_PLAIN_MALLOC)  # fmt: skip


@case("closed-output", "bash", "sort", "perl", "gawk", "python3", "xmllint", "sed", benchmark=False)
def closed_output(run: Run) -> None:
    prose = run.input("prose.txt", inputs.prose, 12000, 12000)
    for words in (
        f"sort {prose}",
        f"sed s/a/b/ {prose}",
        f"gawk 1 {prose}",
        f"perl -pe 1 {prose}",
        "python3 -c 'print(5)'",
        "xmllint --version",
        "cat",
    ):
        run.command("bash", "-c", f"exec {words} >&-", status=None)
        run.command("bash", "-c", f"exec {words} >&- 2>&- <&-", status=None)


@case("full-disk", "bash", "sort", "perl", "gawk", "python3", "xmllint", "sed", "tar", "gzip", benchmark=False)
def full_disk(run: Run) -> None:
    prose = run.input("prose.txt", inputs.prose, 12000, 12000)
    orders = run.input("orders.xml", inputs.orders_xml, 1500, 1500)
    for words in (
        f"sort {prose}",
        f"sed s/a/b/ {prose}",
        f"gawk 1 {prose}",
        f"perl -pe 1 {prose}",
        "python3 -c 'print(5)'",
        f"xmllint --format {orders}",
        f"tar -cf - -C / {str(prose)[1:]}",
        f"gzip -c {prose}",
    ):
        run.command("bash", "-c", f"exec {words} >/dev/full", status=None)
        run.command("bash", "-c", f"exec {words} >/dev/full 2>/dev/full", status=None)


@case("no-memory", "python3", "perl", "bash", benchmark=False)
def no_memory(run: Run) -> None:
    attempt = "\ntry:\n    x = b'x' * {}\nexcept MemoryError:\n    print('refused')\n"
    run.command("python3", "-c", attempt.format("(1 << 48)"), env=_PLAIN_MALLOC)
    limited = "ulimit -v 3000000; exec python3 -c "
    run.command("bash", "-c", limited + f'"{attempt.format("(3 << 30)")}"', env=_PLAIN_MALLOC)
    run.command("bash", "-c", limited + '"x = [b\'y\' * 100000 for i in range(9000)]; print(len(x))"', env=_PLAIN_MALLOC)
    run.command("bash", "-c", "ulimit -v 3000000; exec perl -e 'my $n = 3 << 30; my $x = q(y) x $n; print length $x'", status=1)
