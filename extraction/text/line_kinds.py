"""Classifies lines that are not prose, by font and content: equations, listings and algorithms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from domain.papers import BlockKind
from extraction.text.lines import Line, font_family
from extraction.text.page_metrics import DocumentMetrics

_MATH_FONT = re.compile(
    r"cmmi|cmsy|cmex|msbm|msam|eufm|math|mtmi|mtsy|mtex|mt2mi|rmtmi|euclid|symbol|(?:tx|px)(?:mi|sy|ex)|"
    r"lmmi|lmsy|lmex|stix|xits|esint|wasy|rsfs|bbm|fourier-m|lucidanewmath"
)
_MONO_FONT = re.compile(
    r"cour|mono|cmtt|cmsltt|lmtt|typewriter|consol|menlo|monaco|inconsolata|sourcecode|firacode|"
    r"cursor|nimbusmon|sftt|ectt|txtt|pcrr|andale|terminal|hack|iosevka|cascadia"
)
_RELATION = re.compile(r"[=<>≤≥≈≃≅≡∝∼∈⊂⊆→←⇒⇔↔≠≪≫:]|\\\\")
_OPERATOR = re.compile(r"[∑∏∫√∂∇±×·⋅∞−+/|^∗()\[\]{}]")
_EQUATION_NUMBER = re.compile(
    r"(?:^|\s)\(\s?(?:(?:[A-Z]|S|Eq\.?\s?)?[.\-]?\d{1,3}(?:[.\-]\d{1,3})?[a-z]?)\s?\)$"
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_FUNCTIONS = re.compile(
    r"(?:arg)?(?:max|min)|(?:arc)?(?:sin|cos|tan)h?|log|exp|sqrt|subject|s\.t\.|otherwise|where|"
    r"with|for|trace|rank|diag|sign|softmax|sigmoid|relu|loss|cov|prob|limsup|liminf",
    re.IGNORECASE,
)
_ALGORITHM = re.compile(r"(?:algorithm|listing|procedure|pseudocode)\s+[A-Z]?\d+\b", re.IGNORECASE)
_STEP = re.compile(
    r"\d{1,3}[:.)]\s|(?:require|ensure|input|output|inputs|outputs|data|result|initiali[sz]e|"
    r"parameters?)\s?:|(?:for|while|if|else|elif|end|return|repeat|until|function|procedure|do|"
    r"foreach|forall|loop|break|begin)\b|\W*//|▷",
    re.IGNORECASE,
)
# Heuristics for listings and algorithms.
_MAX_LISTING_DISTANCE = 2.2  # type sizes, from base line to base line of one listing
_MIN_LISTING_LINES = 2
_MIN_STEPS, _MAX_STEPS = 3, 120  # lines of an algorithm
_MAX_OTHER_LINES = 3  # consecutive lines of an algorithm that do not look like a step
# Heuristics for equations. Lengths in characters, distances in type sizes.
_MAX_EQUATION_LENGTH = 160
_MAX_WORDS, _MAX_WORDS_INDENTED = 2, 6  # of a numbered equation; of one that is clearly indented
_NUMBER_AT_RIGHT = 2  # maximum distance of an equation's number from the right border
_CLEAR_INDENT, _INDENT = 4, 0.8
_SHORT_LINE = 0.5  # share of the column's width
_MAX_PART_DISTANCE = 2.2  # from an equation to its bounds and denominators
_MAX_PART_LENGTH, _MAX_PLAIN_PART_LENGTH, _MAX_SYMBOL_LENGTH = 60, 30, 3
_INDEX_TOLERANCE_POINTS = 2
_CACHED_FONTS = 4096  # font names of a process that are kept with their kind


def line_kinds(lines: Sequence[Line], metrics: DocumentMetrics) -> dict[int, BlockKind]:
    """Returns EQUATION or CODE for the lines that are one, by `id`; lines are in reading order.

    An equation has few words, and mathematical signs in a mathematical font or together with an
    equation number. Code is two or more lines of a fixed-width font, or stands below "Algorithm 1".
    """
    kinds: dict[int, BlockKind] = {}
    for _, group in groupby(lines, key=lambda line: (line.page, line.part)):
        column = list(group)
        _mark_code(column, metrics, kinds)
        _mark_algorithms(column, kinds)
        _mark_equations(column, metrics, kinds)
    return kinds


@lru_cache(maxsize=_CACHED_FONTS)
def is_mono(font: str) -> bool:
    """True for a fixed-width font, by its name."""
    return bool(_MONO_FONT.search(font.rsplit("+", 1)[-1].lower()))


@lru_cache(maxsize=_CACHED_FONTS)
def _is_math(font: str) -> bool:
    return bool(_MATH_FONT.search(font_family(font)) or _MATH_FONT.search(font.lower()))


def _mark_code(
    column: Sequence[Line], metrics: DocumentMetrics, kinds: dict[int, BlockKind]
) -> None:
    if is_mono(metrics.body_font):  # a manuscript set in a fixed-width font
        return
    runs: list[list[Line]] = [[]]
    for line in column:
        last = runs[-1][-1] if runs[-1] else line
        is_near = line.base - last.base < _MAX_LISTING_DISTANCE * line.size
        if not is_mono(line.font) or not is_near:
            runs.append([])
        if is_mono(line.font):
            runs[-1].append(line)
    for run in runs:
        if len(run) >= _MIN_LISTING_LINES:
            kinds.update((id(line), BlockKind.CODE) for line in run)


def _mark_algorithms(column: Sequence[Line], kinds: dict[int, BlockKind]) -> None:
    for start, line in enumerate(column):
        if not _ALGORITHM.match(line.text):
            continue
        steps = others = 0
        last = start
        for number in range(start + 1, min(len(column), start + 1 + _MAX_STEPS)):
            if _STEP.match(column[number].text):
                steps, others, last = steps + 1, 0, number
            elif (others := others + 1) > _MAX_OTHER_LINES:
                break
        if steps >= _MIN_STEPS:
            kinds.update((id(step), BlockKind.CODE) for step in column[start + 1 : last + 1])


def _mark_equations(
    column: Sequence[Line], metrics: DocumentMetrics, kinds: dict[int, BlockKind]
) -> None:
    sure = [
        number
        for number, line in enumerate(column)
        if id(line) not in kinds and _is_equation(line, metrics)
    ]
    for number in sure:
        kinds[id(column[number])] = BlockKind.EQUATION
    for number in sure:
        for step in (-1, 1):
            _spread(column, number, step, kinds)


def _spread(column: Sequence[Line], number: int, step: int, kinds: dict[int, BlockKind]) -> None:
    """Marks the lines above or below an equation that belong to it: bounds, denominators."""
    while 0 <= number + step < len(column):
        line, other = column[number], column[number + step]
        if id(other) in kinds or not (_is_part(other) or _is_inside(other, line)):
            return
        if abs(other.base - line.base) > _MAX_PART_DISTANCE * max(line.size, other.size):
            return
        kinds[id(other)] = BlockKind.EQUATION
        number += step


def _is_equation(line: Line, metrics: DocumentMetrics) -> bool:
    if line.rotation:  # the label of an axis
        return False
    text = line.text
    numbered = _EQUATION_NUMBER.search(text)
    in_math = _is_math(line.font)
    if not (numbered or in_math) or len(text) > _MAX_EQUATION_LENGTH:
        return False
    if not _RELATION.search(text):
        return False
    left, right = metrics.columns[line.page, line.part]
    words, indent = _words(text), line.x0 - left
    if numbered and line.x1 > right - _NUMBER_AT_RIGHT * line.size:
        indented = indent > _CLEAR_INDENT * line.size and "=" in text
        max_words = _MAX_WORDS_INDENTED if indented else _MAX_WORDS
        signs = in_math or "=" in text or _OPERATOR.search(text[: numbered.start()])
        return words <= max_words and bool(signs)
    is_short = line.x1 - line.x0 < _SHORT_LINE * (right - left)
    set_off = indent > _INDENT * line.size or is_short
    return in_math and words <= 1 and set_off and text[0] not in ",.;"


def _is_part(line: Line) -> bool:
    text = line.text
    if _words(text) or len(text) > _MAX_PART_LENGTH:
        return False
    if _is_math(line.font) or _EQUATION_NUMBER.fullmatch(text):
        return True
    is_short = len(text) < _MAX_PLAIN_PART_LENGTH
    return len(text) <= _MAX_SYMBOL_LENGTH or (is_short and _RELATION.search(text) is not None)


def _is_inside(other: Line, line: Line) -> bool:
    """True for the indices of an equation that the file draws as a separate line."""
    return (
        other.size < line.size
        and line.y0 < (other.y0 + other.y1) / 2 < line.y1
        and line.x0 - _INDEX_TOLERANCE_POINTS < other.x0
        and other.x1 < line.x1 + _INDEX_TOLERANCE_POINTS
    )


def _words(text: str) -> int:
    """Returns the number of words of four letters or more, without the names of functions."""
    return sum(not _FUNCTIONS.fullmatch(word) for word in _WORD.findall(text))
