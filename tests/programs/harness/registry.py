"""The cases: one for each program, registered by a decorator and found by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from harness.run import Run

Body = Callable[["Run"], None]


@dataclass(frozen=True)
class Case:
    """A program with what it is to do.

    `body` is called once for each variant (without the object, and with it in each mode) and must
    do the same work each time. `benchmark` is false where time means nothing (crashes);
    `exec_heavy` is true where most of it goes into starting other programs.
    """

    name: str
    programs: tuple[str, ...]
    body: Body
    benchmark: bool = True
    exec_heavy: bool = False


_cases: dict[str, Case] = {}


def case(
    name: str,
    *programs: str,
    benchmark: bool = True,
    exec_heavy: bool = False,
) -> Callable[[Body], Body]:
    """Register the decorated function as the case `name`, which needs `programs` (default: name)."""

    def register(body: Body) -> Body:
        if name in _cases:
            raise ValueError(f"two cases are called {name}")
        _cases[name] = Case(name, programs or (name,), body, benchmark, exec_heavy)
        return body

    return register


def all_cases() -> dict[str, Case]:
    """Every case by name, in the order of their modules."""
    import cases  # noqa: F401  (importing registers them)

    return dict(_cases)
