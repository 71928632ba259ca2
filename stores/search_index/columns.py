"""Filter columns: numbers, and strings as codes; conditions on them as masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

Columns = Mapping[str, np.ndarray]

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_UNKNOWN = -1  # the code of a string that no row has


class UnsupportedFilter(ValueError):
    """The index cannot evaluate this filter; the rows have to be asked."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`column operator value`; the value of `in` and `not in` is a tuple."""

    column: str
    operator: str
    value: Any


class Codes:
    """Numbers of strings in order of first appearance. Codes are added, never removed.

    One thread may encode while others decode.
    """

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._strings: list[str] = []

    def encode(self, strings: Iterable[str]) -> np.ndarray:
        """Returns the codes of the strings, int32; new strings get a code."""
        return np.fromiter(map(self._add, strings), np.int32)

    def decode(self, codes: np.ndarray) -> list[str]:
        """Returns the strings of the codes."""
        return [self._strings[code] for code in codes.tolist()]

    def find(self, strings: Iterable[str]) -> list[int]:
        """Returns the codes of the strings, -1 for strings that no row has."""
        return [self._codes.get(string, _UNKNOWN) for string in strings]

    def among(self, codes: np.ndarray, strings: Iterable[str]) -> np.ndarray:
        """Returns which of the codes are codes of these strings."""
        wanted = np.zeros(len(self._strings) + 1, bool)
        wanted[self.find(strings)] = True
        wanted[_UNKNOWN] = False  # the last entry; no row has this code
        return wanted[codes]

    def _add(self, string: str) -> int:
        code = self._codes.get(string)
        if code is None:
            code = len(self._strings)
            self._strings.append(string)
            self._codes[string] = code
        return code


def mask_of(
    conditions: Sequence[Condition], columns: Columns, codes: Mapping[str, Codes]
) -> np.ndarray | None:
    """Returns which rows meet all conditions, as booleans; None without conditions.

    Raises `UnsupportedFilter` for a column or an operator that it does not know.
    """
    masks = [_mask(one, columns, codes.get(one.column)) for one in conditions]
    return reduce(np.logical_and, masks) if masks else None


def _mask(condition: Condition, columns: Columns, codes: Codes | None) -> np.ndarray:
    if condition.column not in columns:
        raise UnsupportedFilter(f"The column {condition.column} is not indexed.")
    values, operator, value = columns[condition.column], condition.operator, condition.value
    if codes is not None:
        return _mask_of_codes(values, operator, value, codes)
    if operator in ("in", "not in"):
        return np.isin(values, np.asarray(value), invert=operator == "not in")
    if operator not in _COMPARISONS:
        raise UnsupportedFilter(f"The operator {operator} is not known.")
    return _COMPARISONS[operator](values, value)


def _mask_of_codes(values: np.ndarray, operator: str, value: Any, codes: Codes) -> np.ndarray:
    if operator in ("in", "not in"):
        found = codes.among(values, value)
        return found if operator == "in" else ~found
    if operator not in ("==", "!="):
        raise UnsupportedFilter(f"Strings are not ordered: {operator} {value!r}.")
    return _COMPARISONS[operator](values, codes.find([value])[0])
