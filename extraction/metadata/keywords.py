"""The keywords that a paper prints for itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.papers import Block, BlockKind, Evidence
from extraction.metadata.column import column_below
from extraction.metadata.file_metadata import Stated
from extraction.metadata.vocabulary import FRONT_ENDS
from extraction.text.clean import join_lines, words_of
from extraction.text.lines import Line

LABEL = re.compile(
    r"(?:author[’']?s? )?(?:(?:key\s?-?\s?words?(?: and phrases)?)|"
    r"k\s?e\s?y\s?w\s?o\s?r\s?d\s?s|index terms|general terms|"
    r"mots[ -]cl[ée]s?|palabras clave|palavras[ -]chave|schl[üu]sselw[öo]rter|parole chiave|"
    r"descriptors|ключевые слова|关\s*键\s*词|キーワード|主题词)"
    r"(?:\s*+\(.{0,20}?\))?(?:\s*+(?:[.:;—–―-]++|：|$)|\s*?(?-i:(?=\s[A-Z])))\s*+",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"\b(?:abbreviations?|correspond\w+|received|accepted|published|citation|cite this|"
    r"pacs|jel(?: class\w*)?|msc|ccs concepts|acm reference|subject class\w*|"
    r"mathematics subject classification|clc number|document code|doi|funding|"
    r"(?:\d+\.?|I\.)\s*introduction|introduction|abstract|nomenclature|highlights|academic editor|"
    r"open access|copyright|trial registration)\b\s*[:.—–-]?|©|https?:",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(
    r"(?:(?<!\s)\s++)?[;·•∙⋅|；、]\s*+|(?<!\s)\s++[—–]\s++|\s\*\s",
)
_MOST, _LONGEST, _LONGEST_TEXT, _MOST_LINES = 40, 90, 1500, 15


@dataclass(frozen=True)
class Keywords:
    """The words, where the label stands (block and character), and where they were found."""

    words: tuple[str, ...]
    block: int | None
    start: int
    evidence: Evidence | None


NO_KEYWORDS = Keywords((), None, 0, None)


def find_keywords(blocks: Sequence[Block], lines: Sequence[Line], stated: Stated) -> Keywords:
    """The keywords in printed order, behind their label on the first pages.

    They are read from the column that the label stands in (`lines`), else from the blocks.
    """
    words = _in_column(lines)
    place: tuple[int, int] | None = None
    for index, block in enumerate(blocks):
        if not block.boxes or block.boxes[0].page > 3:
            break
        if block.kind is BlockKind.REFERENCE or (start := _label_start(block)) is None:
            continue
        words = words or _words(blocks, index, start)
        if words:
            place = index, start
            break
    if not words:
        return NO_KEYWORDS
    agree = words[0].lower() in stated.keywords.lower()
    evidence = Evidence("printed, file metadata" if agree else "printed", 0.98 if agree else 0.9)
    return Keywords(words, place[0] if place else None, place[1] if place else 0, evidence)


def _in_column(lines: Sequence[Line]) -> tuple[str, ...]:
    """The words behind or below the label's line, among the lines as drawn."""
    known = words_of(line.text for line in lines)
    for line in lines:
        label = LABEL.match(line.text)
        if label is None or not line.text[:1].isupper():
            continue
        runs_in = bool(line.text[label.end() :].strip())
        column = column_below(line, lines, runs_in=runs_in, ends=_ends)[:_MOST_LINES]
        if not column:
            continue
        text, starts = join_lines([one.text for one in column], known)
        cut = label.end() if runs_in else 0
        end = _end(text[cut:])
        words = _split(text[cut : cut + end], [at - cut for at in starts if cut < at < cut + end])
        if words:
            return words
    return ()


def _ends(line: Line) -> bool:
    return bool(_GOES_ON.match(line.text) or FRONT_ENDS.match(line.text) or len(line.text) > 250)


def _label_start(block: Block) -> int | None:
    """Where in the block a line starts with the label."""
    starts = [start for start, _ in block.lines] or [0]
    for start, end in pairwise([*starts, len(block.text)]):
        if LABEL.match(block.text[start:end].rstrip()):
            return start
    return None


def _words(blocks: Sequence[Block], index: int, start: int) -> tuple[str, ...]:
    block = blocks[index]
    line_ends = min((at for at, _ in block.lines if at > start), default=len(block.text))
    label = LABEL.match(block.text[start:line_ends].rstrip())
    first_line = start + (label.end() if label else 0)
    text = block.text[first_line:]
    if not text.strip() and index + 1 < len(blocks):
        block, first_line = blocks[index + 1], 0
        text = block.text
        if block.kind is BlockKind.HEADING:
            return ()
    lines = [at - first_line for at, _ in block.lines if at > first_line]
    end = _end(text)
    return _split(text[:end], [at for at in lines if at < end])


def _end(text: str) -> int:
    found = _GOES_ON.search(text)
    return min(found.start() if found else len(text), _LONGEST_TEXT)


def _split(text: str, lines: Sequence[int]) -> tuple[str, ...]:
    """Split at semicolons or dots, else at commas, else at the printed lines."""
    text_ends = text.rstrip()
    for pattern in (_SEPARATORS, re.compile(r"\s*,(?!\d)\s*|，")):
        if pattern.search(text_ends):
            pieces = pattern.split(text_ends)
            break
    else:
        cuts = [0, *lines, len(text)]
        pieces = [text[a:b] for a, b in pairwise(cuts)]
    words = [re.sub(r"^(?:and|und|y)\s+", "", piece.strip(" .,:;\n")) for piece in pieces]
    kept = [word for word in words if word and len(word) <= _LONGEST]
    # One long piece is a sentence, not a list.
    if len(kept) < len([word for word in words if word]) or len(kept) > _MOST:
        kept = [word for word in kept[:_MOST] if len(word.split()) <= 8]
    return tuple(dict.fromkeys(kept))
