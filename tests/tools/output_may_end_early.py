"""Who reads only the first line of what the tool prints gets no complaint, and the status is that of the whole; where
standard output cannot be written to at all, one sentence says so."""

from __future__ import annotations

import os
import subprocess
import sys

from fixture import SCRIPT, ToolTest, main


class OutputMayEndEarly(ToolTest):
    def read_by_nobody(self, *arguments: str, **more: str) -> tuple[int, str]:
        reading, writing = os.pipe()
        os.close(reading)
        try:
            done = subprocess.run([SCRIPT, *arguments], stdin=subprocess.DEVNULL, stdout=writing,
                                  stderr=subprocess.PIPE, text=True, check=False, timeout=60, env=self.environment(**more))
        finally:
            os.close(writing)
        return done.returncode, done.stderr

    def test_reader_that_goes_away(self) -> None:
        for arguments in (("doctor",), ("env",), ("--help",), ("run", "--help"), ("--version",)):
            self.assertEqual((0, ""), self.read_by_nobody(*arguments), arguments)
        self.assertEqual((1, ""), self.read_by_nobody("doctor", "no-such-program"))
        self.assertEqual((1, ""), self.read_by_nobody("doctor", SCRATCH_LIBRARY="/no/library.so"))

    def test_full_disk(self) -> None:
        for arguments in (("doctor",), ("env",), ("--help",)):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([SCRIPT, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                                      env=self.environment())
            self.assertEqual(125, done.returncode, arguments)
            self.assertRegex(done.stderr, r"\Ascratch.*standard output cannot be written to.*\n\Z")

    def test_closed(self) -> None:
        for closed, said in ((">&-", r"\Ascratch.*standard output is closed.*\n\Z"), (">&- 2>&-", r"\A\Z")):
            done = subprocess.run(["/bin/sh", "-c", f'"$0" --version {closed}', SCRIPT], stderr=subprocess.PIPE,
                                  text=True, check=False, env=self.environment())
            self.assertEqual(125, done.returncode, closed)
            self.assertRegex(done.stderr, said)

    def test_names_that_are_no_text(self) -> None:
        # A name is bytes; they come out as they went in.
        name = b"no-\xff-such"
        done = subprocess.run([os.fsencode(SCRIPT), b"doctor", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, env=self.environment())
        self.assertEqual((1, b""), (done.returncode, done.stderr))
        self.assertIn(name, done.stdout)


if not os.path.exists("/dev/full"):
    print("SKIPPED: there is no /dev/full here")
    sys.exit(77)
main()
