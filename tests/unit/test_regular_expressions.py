"""All regular expressions of the code take linear time on worst-case inputs (ReDoS)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.patterns import Found, all_patterns, attacks, has_possessive_group

SIZES = (12, 24, 64, 500, 2_000)  # small sizes first: an exponential pattern would not return
FEWEST_PATTERNS = 200

# Most patterns take less than 0.1 us per character, the slowest linear ones 2 us. On a text that is
# four times longer, a linear pattern takes four times as long and a quadratic one 16 times.
WORTH_A_LOOK_SECONDS = 0.002
TIMES_LONGER, TIMES_SLOWER = 4, 8
MEASUREMENTS = 4


def seconds(call: Callable[[str], Any], text: str, tries: int) -> float:
    """Returns the CPU time of the fastest of `tries` calls."""
    best = float("inf")
    for _ in range(tries):
        began = time.process_time()
        call(text)
        best = min(best, time.process_time() - began)
    return best


def is_slower(call: Callable[[str], Any], text: str, shorter: str) -> bool:
    """True if the text takes out of proportion longer in each of four measurements: one alone may
    be disturbed by other programs."""
    return all(
        seconds(call, text, 3) > TIMES_SLOWER * seconds(call, shorter, 5)
        for _ in range(MEASUREMENTS)
    )


def slow_text(found: Found) -> str | None:
    """Describes an input on which the pattern is slower than linear; None if there is none."""
    call, worth_a_look = getattr(found.pattern, found.method), WORTH_A_LOOK_SECONDS
    for before, pumped, behind in attacks(found.pattern):
        for size in SIZES:
            count = size // len(pumped)
            text = before + pumped * count + behind
            if seconds(call, text, 1) < worth_a_look:
                continue
            taken = seconds(call, text, 3)
            if taken < worth_a_look:  # the first call was disturbed
                continue
            shorter = before + pumped * (count // TIMES_LONGER) + behind
            if is_slower(call, text, shorter):
                return (
                    f"{found.method} takes {taken * 1000:.0f} ms for "
                    f"{before!r} + {pumped!r} * {count} + {behind!r}"
                )
            worth_a_look = 2 * taken  # linear, but slow
    return None


@pytest.mark.slow
def test_regular_expressions_take_linear_time() -> None:
    """The offenders are listed with the place of their definition."""
    patterns = all_patterns()
    assert len(patterns) >= FEWEST_PATTERNS
    assert {"search", "match", "fullmatch"} == {found.method for found in patterns}
    offenders = {
        f"{min(found.places)} {found.pattern.pattern}": slow
        for found in patterns
        if (slow := slow_text(found)) is not None
    }
    assert offenders == {}


@pytest.mark.slow
def test_regular_expressions_match_alike_in_every_supported_python() -> None:
    offenders = [found.places for found in all_patterns() if has_possessive_group(found.pattern)]
    assert offenders == []
