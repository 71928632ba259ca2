"""Finds the keywords of a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.papers import Block, BlockKind, Evidence
from extraction.metadata.column import column_below
from extraction.metadata.file_metadata import FileMetadata
from extraction.text.clean import join_lines, words_of
from extraction.text.labels import split_number
from extraction.text.lines import Line
from extraction.vocabulary.front_matter import FRONT_ENDS, KEYWORDS_END, KEYWORDS_LABEL
from extraction.vocabulary.section_names import section_name

_SEPARATORS = re.compile(r"(?:(?<!\s)\s++)?[;·•∙⋅|；、]\s*+|(?<!\s)\s++[—–]\s++|\s\*\s")
# Heuristics. Lengths are in characters.
_MAX_KEYWORDS, _MAX_KEYWORD_LENGTH = 40, 90
_MAX_KEYWORD_WORDS = 8  # where the list is not clean: more words are a sentence
_MAX_TEXT_LENGTH, _MAX_LINES = 1500, 15  # of the whole list
_MAX_LINE_LENGTH = 250  # longer lines are no keywords
_MAX_PAGE = 3  # last page on which keywords are printed
# Confidence (0 to 1) of printed keywords: confirmed by the file's metadata, or not.
_CONFIDENCE_CONFIRMED, _CONFIDENCE_PRINTED = 0.98, 0.9


@dataclass(frozen=True)
class Keywords:
    """The keywords, the position of the label (block index and character), and the evidence."""

    words: tuple[str, ...]
    block: int | None
    start: int
    evidence: Evidence | None


def find_keywords(
    blocks: Sequence[Block], lines: Sequence[Line], file_metadata: FileMetadata
) -> Keywords:
    """Returns the keywords in printed order, behind their label on the first pages.

    They are read from the column that the label stands in (`lines`), otherwise from the blocks.
    """
    words = _in_column(lines)
    position: tuple[int, int] | None = None
    for index, block in enumerate(blocks):
        if not block.boxes or block.boxes[0].page > _MAX_PAGE:
            break
        if block.kind is BlockKind.REFERENCE or (start := _label_start(block)) is None:
            continue
        words = words or _words(blocks, index, start)
        if words:
            position = index, start
            break
    if not words:
        return Keywords((), None, 0, None)
    evidence = Evidence("printed", _CONFIDENCE_PRINTED)
    if words[0].lower() in file_metadata.keywords.lower():
        evidence = Evidence("printed, file metadata", _CONFIDENCE_CONFIRMED)
    block, start = position or (None, 0)
    return Keywords(words, block, start, evidence)


def _in_column(lines: Sequence[Line]) -> tuple[str, ...]:
    """Returns the keywords behind or below their label, among the lines in drawing order."""
    known = words_of(line.text for line in lines)
    for line in lines:
        label = KEYWORDS_LABEL.match(line.text)
        if label is None or line.text[:1].islower():
            continue
        runs_in = bool(line.text[label.end() :].strip())
        column = column_below(line, lines, runs_in=runs_in, ends=_ends)[:_MAX_LINES]
        if not column:
            continue
        text, starts = join_lines([below.text for below in column], known)
        cut = label.end() if runs_in else 0
        end = _end(text[cut:])
        words = _split(text[cut : cut + end], [at - cut for at in starts if cut < at < cut + end])
        if words:
            return words
    return ()


def _ends(line: Line) -> bool:
    is_long = len(line.text) > _MAX_LINE_LENGTH
    is_heading = section_name(split_number(line.text)[1]) is not None
    has_ended = KEYWORDS_END.match(line.text) or FRONT_ENDS.match(line.text)
    return bool(has_ended or KEYWORDS_LABEL.match(line.text) or is_heading or is_long)


def _label_start(block: Block) -> int | None:
    """Returns the offset in the block at which a line starts with the label."""
    starts = [start for start, _ in block.lines] or [0]
    for start, end in pairwise([*starts, len(block.text)]):
        if KEYWORDS_LABEL.match(block.text[start:end].rstrip()):
            return start
    return None


def _words(blocks: Sequence[Block], index: int, start: int) -> tuple[str, ...]:
    block = blocks[index]
    line_end = min((at for at, _ in block.lines if at > start), default=len(block.text))
    label = KEYWORDS_LABEL.match(block.text[start:line_end].rstrip())
    start += label.end() if label else 0
    if not block.text[start:].strip() and index + 1 < len(blocks):
        block, start = blocks[index + 1], 0
        if block.kind is BlockKind.HEADING:
            return ()
    text = block.text[start:]
    lines = [at - start for at, _ in block.lines if at > start]
    end = _end(text)
    return _split(text[:end], [at for at in lines if at < end])


def _end(text: str) -> int:
    found = KEYWORDS_END.search(text)
    return min(found.start() if found else len(text), _MAX_TEXT_LENGTH)


def _split(text: str, lines: Sequence[int]) -> tuple[str, ...]:
    """Splits the text at semicolons or dots, else at commas, else at the ends of printed lines."""
    pieces = _SEPARATORS.split(text.rstrip())
    if len(pieces) == 1:
        pieces = re.split(r",(?!\d)|，", text)
    if len(pieces) == 1:
        pieces = [text[a:b] for a, b in pairwise([0, *lines, len(text)])]
    words = [
        re.sub(r"^(?:and|und|y|e|et|og|och|и)\s+", "", piece.strip(" .,:;\n")) for piece in pieces
    ]
    kept = [word for word in words if word and len(word) <= _MAX_KEYWORD_LENGTH]
    # A piece that is too long shows that the text is not a clean list.
    if len(kept) < sum(map(bool, words)) or len(kept) > _MAX_KEYWORDS:
        kept = [word for word in kept[:_MAX_KEYWORDS] if len(word.split()) <= _MAX_KEYWORD_WORDS]
    return tuple(dict.fromkeys(kept))
