"""Decision tables: named rules in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Rule(Generic[Facts]):
    """A row of a decision table: where `applies` holds, `decides` is the result."""

    name: str
    applies: Callable[[Facts], object]
    decides: bool | Callable[[Facts], object]


def decide(rules: Sequence[Rule[Facts]], facts: Facts) -> bool:
    """Returns the result of the first rule that applies, False if none does."""
    for rule in rules:
        if rule.applies(facts):
            return rule.decides if isinstance(rule.decides, bool) else bool(rule.decides(facts))
    return False
