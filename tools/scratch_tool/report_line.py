"""What a line of `scratch doctor` is made of."""

from __future__ import annotations

# A note is no cause to do anything, unless it is what somebody is looking for.
OK, NOTE, WARN, FAIL = "ok", "note", "warn", "fail"

# (level, what was looked at, what was found and what to do)
Line = tuple[str, str, str]
