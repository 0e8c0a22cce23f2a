"""Commands and modes that are not built yet stand in no help, manual or completion; given anyway, each is answered with
one sentence that says so."""

from __future__ import annotations

import re

from fixture import SOURCE, ToolTest, main

COMMANDS = ("record", "report", "profile", "top")
MODES = ("profile", "record")
OFFERS = ("completions/scratch.bash", "completions/_scratch", "completions/scratch.fish", "scratch.1")


class OnlyWhatIsBuiltIsOffered(ToolTest):
    def test_commands_are_refused(self) -> None:
        for command in COMMANDS:
            for more in ((), ("--anything", "true"), ("--help",)):
                self.assert_refused(125, command, *more, says=(f"scratch {command}: ", "not built yet",
                                                                 "run, env, check, doctor"))

    def test_modes_are_refused(self) -> None:
        for command in ("run", "env"):
            for mode in MODES:
                self.assert_refused(125, command, "--mode", mode, "true",
                                    says=(f"'{mode}' is not built yet", "off, scoped, adaptive, check"))

    def test_help_does_not_offer_them(self) -> None:
        said = self.scratch("--help").stdout
        commands = re.findall(r"^  (\w+) ", said.split("\ncommands:\n", 1)[1], re.MULTILINE)
        self.assertEqual(["run", "env", "check", "doctor"], commands)
        for command in commands:
            self.assert_offers_none(f"help of {command}", self.scratch(command, "--help").stdout)
        self.assertNotIn("not built", said)
        for mistake in ((), ("fly",), ("--fly",)):
            sentence = self.scratch(*mistake).stderr
            for command in COMMANDS:
                self.assertNotIn(command, sentence)

    def test_nothing_else_offers_them(self) -> None:
        for name in OFFERS:
            self.assert_offers_none(name, (SOURCE / "tools" / name).read_text(encoding="utf-8"))

    def assert_offers_none(self, where: str, text: str) -> None:
        for ordinary in ("report.pl", "first report", "write the report", "report what"):
            text = text.replace(ordinary, "")
        self.assertEqual([], re.findall(rf"\b(?:{'|'.join(COMMANDS)})\b", text), where)


main()
