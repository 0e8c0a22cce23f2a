"""`scratch run` becomes the program: its process, status, signals and environment are the program's own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess

from fixture import SCRIPT, ToolTest, main

TAKES_SIGNALS = r"""
#include <signal.h>
#include <stdio.h>
int main(void) {
    int changed = 0;
    for (int number = 1; number < 65; ++number) {
        struct sigaction now;
        if (sigaction(number, 0, &now) == 0 && now.sa_handler != SIG_DFL) printf("%d ", number), changed = 1;
    }
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, 0, &blocked);
    for (int number = 1; number < 65; ++number) if (sigismember(&blocked, number) == 1) printf("blocked %d", number);
    return changed;
}
"""


class RunBecomesTheProgram(ToolTest):
    def test_process_and_arguments(self) -> None:
        program = self.program("prints")
        arguments = ["", "a b", "--mode", "--", "-x", "ü", "*"]
        with subprocess.Popen([SCRIPT, "run", "--", str(program), *arguments], env=self.environment(),
                              stdout=subprocess.PIPE, text=True) as process:
            output = process.communicate()[0]
        self.assertEqual("|".join([str(process.pid), str(program), *arguments]) + "\n", output)
        self.assertEqual(7, process.returncode)

    def test_program_begins_at_first_word_that_is_no_option(self) -> None:
        done = self.scratch("run", "--stats", "--mode", "off", "--log=warn", "echo", "--mode", "fast", "--", "--stats")
        self.assertEqual("--mode fast -- --stats\n", done.stdout)

    def test_name_in_path_keeps_its_short_name(self) -> None:
        program = self.program("short-name")
        done = self.scratch("run", "short-name", environment=self.environment(PATH=f"/nowhere:{program.parent}"))
        self.assertTrue(done.stdout.endswith("|short-name\n"), done.stdout)

    def test_empty_folder_in_path_is_here(self) -> None:
        program = self.program("only-here")
        done = self.scratch("run", "only-here", environment=self.environment(PATH="/nowhere:"), cwd=program.parent)
        self.assertEqual(7, done.returncode, done.stderr)

    def test_every_exit_status(self) -> None:
        for status in (0, 1, 2, 125, 126, 127, 128, 255):
            done = self.scratch("run", "sh", "-c", f"exit {status}")
            self.assertEqual((status, ""), (done.returncode, done.stderr))

    def test_death_by_signal(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            done = self.scratch("run", "sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(-number, done.returncode)

    def test_signals_are_ignored_and_blocked_as_without_it(self) -> None:
        # Some are where the tests run under nohup or in a shell's background.
        program = self.program("signals", text=TAKES_SIGNALS)
        alone = subprocess.run([str(program)], stdout=subprocess.PIPE, text=True, check=False)
        done = self.scratch("run", program)
        self.assertEqual((alone.returncode, alone.stdout), (done.returncode, done.stdout))

    def test_environment_is_what_it_was_and_ours(self) -> None:
        # With no locale set Python adds LC_CTYPE to its own environment, which is not the program's.
        before = {"SCRATCH_LIBRARY": str(self.stub), "PYTHONMALLOC": "malloc", "PYTHONHOME": "/nowhere",
                  "strange.name%": "x=y", "EMPTY": "", "LINES": "a\nb"}
        done = self.scratch("run", "--mode", "scoped", "--", "/usr/bin/env", "-0", environment=before)
        after = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
        self.assertEqual({**before, "LD_PRELOAD": str(self.stub), "SCRATCH_MODE": "scoped"}, after)

    def test_bytes_that_are_no_text(self) -> None:
        odd = os.fsdecode(b"\xff\xfe-odd")
        done = subprocess.run([SCRIPT, "run", "printf", "%s", odd], env=self.environment(ODD=odd), check=False,
                              stdout=subprocess.PIPE)
        self.assertEqual(b"\xff\xfe-odd", done.stdout)

    def test_terminal_folder_and_files_stay(self) -> None:
        main_end, program_end = pty.openpty()
        read, write = os.pipe()
        process = subprocess.Popen([SCRIPT, "run", "sh", "-c", f"tty && pwd && umask && echo kept >&{write}"],
                                   env=self.environment(), stdin=program_end, stdout=subprocess.PIPE, text=True,
                                   cwd="/usr", umask=0o27, pass_fds=[write])
        name = os.ttyname(program_end)
        self.assertEqual(f"{name}\n/usr\n0027\n", process.communicate()[0])
        self.assertEqual(b"kept\n", os.read(read, 10))
        for end in (main_end, program_end, read, write):
            os.close(end)


main()
