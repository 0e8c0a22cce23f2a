"""LD_PRELOAD holds the shim, then --next, then what was there before; nothing is lost."""

from __future__ import annotations

from fixture import ToolTest, main


class PreloadOrderIsKept(ToolTest):
    def preload(self, before: str, *options: str) -> list[str]:
        done = self.scratch("run", *options, "--", "/usr/bin/printenv", "LD_PRELOAD",
                            environment=self.environment(**({"LD_PRELOAD": before} if before else {})))
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.strip().split(":")

    def test_shim_alone(self) -> None:
        self.assertEqual([str(self.stub)], self.preload(""))

    def test_shim_next_and_what_was_there(self) -> None:
        other, after, last = (str(self.allocator(f"lib{name}.so")) for name in ("other", "after", "last"))
        self.assertEqual([str(self.stub), other, after, last], self.preload(f"{after}:{last}", "--next", other))
        self.assertEqual([str(self.stub), other, after, last], self.preload(f"{after} {last}", "--next", other))

    def test_the_loader_takes_them_in_that_order(self) -> None:
        other, after = self.allocator("libother.so"), self.library("libafter.so")
        said = self.folder / "order"
        self.scratch("run", "--next", other, "/bin/true",
                     environment=self.environment(LD_PRELOAD=str(after), STUB_SAYS=str(said)))
        # Python itself was started with the one that was there; then come the program's. Constructors run from
        # the last library to the first.
        self.assertEqual(["libafter.so unset", "libafter.so adaptive", "libother.so adaptive",
                          "libscratch-preload.so adaptive"], said.read_text().splitlines())

    def test_ours_stands_once_when_runs_are_nested(self) -> None:
        other, after = str(self.allocator("libother.so")), str(self.library("libafter.so"))
        self.assertEqual([str(self.stub), other, after],
                         self.preload(f"{other}:{after}:{self.stub}", "--next", other))

    def test_path_that_ld_preload_cannot_hold(self) -> None:
        for sign, word in ((" ", "space"), (":", "colon")):
            folder = self.folder / f"with{sign}{word}"
            folder.mkdir()
            library = self.library("libscratch-preload.so", folder)
            self.assert_refused(125, "run", "true", says=(word, str(library), "copy or link"),
                                environment=self.environment(SCRATCH_LIBRARY=str(library)))
            self.assert_refused(125, "run", "--next", library, "true", says=(word, "--next"))


main()
