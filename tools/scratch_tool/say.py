"""What the tool writes: text on standard output, sentences on standard error."""

from __future__ import annotations

import os
import sys

from .failure import OWN_ERROR, Failure


def put(text: str) -> None:
    """Writes `text` to standard output at once. A reader who went away has seen enough: what follows is dropped, and
    the command ends with the status that it would have had."""
    if sys.stdout is None:
        raise Failure(OWN_ERROR, "standard output is closed; give a place to write to")
    try:
        sys.stdout.buffer.write(os.fsencode(text))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        _drop_output()
        raise Failure(OWN_ERROR, f"standard output cannot be written to ({error.strerror}); give another place") \
            from error


def complain(who: str, sentence: str) -> None:
    """Writes `sentence` to standard error, on one line whatever names it holds; where that is closed, it is lost."""
    line = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in sentence)
    try:
        sys.stderr.write(f"{who}: {line}\n")
    except (AttributeError, OSError):
        pass


def _drop_output() -> None:
    # Python writes what is left in its buffer when it ends, and would complain then.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
