"""Lines that are no prose: display equations, listings and algorithms, told by their type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from domain.papers import BlockKind
from extraction.text.lines import Line, font_family
from extraction.text.page_metrics import Measures

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
_RUN = 2.2  # times the type size: the distance of lines in one listing
_MOST_WORDS = 6  # of an equation in words, with its number
_MOST_STEPS = 120
_LOOSE_STEPS = 3  # lines of an algorithm that need not look like one, in a row


def line_kinds(lines: Sequence[Line], measures: Measures) -> dict[int, BlockKind]:
    """EQUATION or CODE, by `id`, of the lines that are; lines are in reading order.

    An equation has few words, and signs of mathematics in a font for it or with an equation's
    number. Code is two or more lines of a font with fixed widths, or stands below "Algorithm 1".
    """
    kinds: dict[int, BlockKind] = {}
    for _, group in groupby(lines, key=lambda line: (line.page, line.part)):
        column = list(group)
        _mark_code(column, measures, kinds)
        _mark_algorithms(column, measures, kinds)
        _mark_equations(column, measures, kinds)
    return kinds


@lru_cache(maxsize=4096)
def is_mono(font: str) -> bool:
    """True for a font whose letters are all of one width, as its name says."""
    return bool(_MONO_FONT.search(font.rsplit("+", 1)[-1].lower()))


@lru_cache(maxsize=4096)
def _is_math(font: str) -> bool:
    return bool(_MATH_FONT.search(font_family(font)) or _MATH_FONT.search(font.lower()))


def _mark_code(column: Sequence[Line], measures: Measures, kinds: dict[int, BlockKind]) -> None:
    if is_mono(measures.body_font):  # a manuscript in typewriter type
        return
    run: list[Line] = []
    for line in column:
        if run and not (is_mono(line.font) and line.base - run[-1].base < _RUN * line.size):
            _mark_run(run, kinds)
            run = []
        if is_mono(line.font):
            run.append(line)
    _mark_run(run, kinds)


def _mark_run(run: Sequence[Line], kinds: dict[int, BlockKind]) -> None:
    if len(run) >= 2:
        kinds.update((id(line), BlockKind.CODE) for line in run)


def _mark_algorithms(
    column: Sequence[Line], measures: Measures, kinds: dict[int, BlockKind]
) -> None:
    for start, line in enumerate(column):
        if not _ALGORITHM.match(line.text):
            continue
        steps = loose = 0
        last = start
        for number in range(start + 1, min(len(column), start + 1 + _MOST_STEPS)):
            if _STEP.match(column[number].text):
                steps, loose, last = steps + 1, 0, number
            elif (loose := loose + 1) > _LOOSE_STEPS:
                break
        if steps >= 3:
            kinds.update((id(one), BlockKind.CODE) for one in column[start + 1 : last + 1])


def _mark_equations(
    column: Sequence[Line], measures: Measures, kinds: dict[int, BlockKind]
) -> None:
    sure = [
        number
        for number, line in enumerate(column)
        if id(line) not in kinds and _is_equation(line, measures)
    ]
    for number in sure:
        kinds[id(column[number])] = BlockKind.EQUATION
    for number in sure:
        for step in (-1, 1):
            _spread(column, number, step, kinds)


def _spread(column: Sequence[Line], number: int, step: int, kinds: dict[int, BlockKind]) -> None:
    """Marks the lines above or below an equation that are parts of it: bounds, denominators."""
    while 0 <= number + step < len(column):
        line, other = column[number], column[number + step]
        if id(other) in kinds or not (_is_part(other) or _is_inside(other, line)):
            return
        if abs(other.base - line.base) > 2.2 * max(line.size, other.size):
            return
        kinds[id(other)] = BlockKind.EQUATION
        number += step


def _is_equation(line: Line, measures: Measures) -> bool:
    if line.turn:  # the labels of an axis
        return False
    text = line.text
    numbered = _EQUATION_NUMBER.search(text)
    in_math = _is_math(line.font)
    if not (numbered or in_math) or len(text) > 160 or not _RELATION.search(text):
        return False
    left, right = measures.columns[line.page, line.part]
    words, indent = _words(text), line.x0 - left
    if numbered and line.x1 > right - 2 * line.size:
        most = _MOST_WORDS if indent > 4 * line.size and "=" in text else 2
        signs = in_math or "=" in text or _OPERATOR.search(text[: numbered.start()])
        return words <= most and bool(signs)
    set_off = indent > 0.8 * line.size or line.x1 - line.x0 < 0.5 * (right - left)
    return in_math and words <= 1 and set_off and text[0] not in ",.;"


def _is_part(line: Line) -> bool:
    text = line.text
    if _words(text) or len(text) > 60:
        return False
    return (
        _is_math(line.font)
        or bool(_EQUATION_NUMBER.fullmatch(text))
        or (len(text) < 30 and bool(_RELATION.search(text) or len(text) <= 3))
    )


def _is_inside(other: Line, line: Line) -> bool:
    """True for the indices of an equation, where they come as a line of their own."""
    return (
        other.size < line.size
        and line.y0 < (other.y0 + other.y1) / 2 < line.y1
        and line.x0 - 2 < other.x0
        and other.x1 < line.x1 + 2
    )


def _words(text: str) -> int:
    """How many words of four letters or more, without the names of functions."""
    return sum(1 for word in _WORD.findall(text) if not _FUNCTIONS.fullmatch(word))
