"""How the launcher says that it failed: a status that no program of its own would give, and one sentence."""

from __future__ import annotations

# As env, nice, timeout and the shells have them.
OWN_ERROR = 125
CANNOT_RUN = 126
NOT_FOUND = 127


class Failure(Exception):
    """Ends the command with `status`, after one `sentence` on standard error that says why and what to do."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
