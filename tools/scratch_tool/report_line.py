"""What a line of `scratch doctor` is made of."""

from __future__ import annotations

OK, WARN, FAIL = "ok", "warn", "fail"

# (level, what was looked at, what was found and what to do)
Line = tuple[str, str, str]
