#!/usr/bin/env python3
"""What is kept closed stays within the memory and the mappings that it may take, however much is given back."""

from __future__ import annotations

import resource
import subprocess

from fixture import CALLS, HOSTILE, PLANTED, SHIM, CheckTest, check, environment, main, run

OF_THE_SYSTEM = 200  # mappings of the program, its libraries and of ours, at most


class QuarantineKeepsItsLimits(CheckTest):
    def numbers(self, program: str, options: str) -> list[int]:
        outcome = check(HOSTILE, program, options=f"no-escapes,{options}")
        self.assertEqual((0, ""), (outcome.status, outcome.error))
        return [int(word) for word in outcome.output.split()]

    def test_a_hundred_thousand_scopes(self) -> None:
        mappings, kilobytes = self.numbers("many_scopes", "quarantine=8M")
        self.assertLess(mappings, OF_THE_SYSTEM)
        self.assertLess(kilobytes, 8 * 1024 + 40 * 1024)

    def test_more_is_kept_where_more_is_allowed(self) -> None:
        _, small = self.numbers("many_scopes", "quarantine=8M")
        _, large = self.numbers("many_scopes", "quarantine=128M")
        self.assertGreater(large, small + 64 * 1024)

    def test_a_scope_that_lasts(self) -> None:
        mappings, kilobytes = self.numbers("long_scope", "quarantine=8M")
        self.assertLess(mappings, OF_THE_SYSTEM)
        self.assertLess(kilobytes, 8 * 1024 + 40 * 1024)

    def test_blocks_that_live_between_closed_ones(self) -> None:
        mappings, = self.numbers("every_second_freed", "mappings=500")
        self.assertLess(mappings, 500 + OF_THE_SYSTEM)
        more, = self.numbers("every_second_freed", "mappings=5000")
        self.assertGreater(more, 3000)
        self.assertLess(more, 5000 + OF_THE_SYSTEM)
        standard, = self.numbers("every_second_freed", "")
        with open("/proc/sys/vm/max_map_count", encoding="ascii") as file:
            self.assertLess(standard, int(file.read()))

    def test_nothing_is_used_again_while_it_lasts(self) -> None:
        self.assertEqual([1], self.numbers("addresses_differ", "quarantine=64M"))

    def test_limited_address_space(self) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

        for program in ((PLANTED, "clean"), (HOSTILE, "everything_in_order")):
            done = subprocess.run(program, preexec_fn=limit, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  check=False, env=environment(LD_PRELOAD=f"{SHIM}:{CALLS}", SCRATCH_MODE="check"))
            alone = run(*program)
            self.assertEqual((alone.status, alone.output, ""), (done.returncode, done.stdout, done.stderr))


main()
