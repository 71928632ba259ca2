"""Finds the abstract: behind its label, or by the type in which it differs from the text below the
authors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.papers import Block, BlockKind, Box, Evidence, Paper
from extraction.metadata.column import column_below
from extraction.metadata.keywords import Keywords
from extraction.metadata.styles import Style, Styles, alike
from extraction.text.clean import join_lines, words_of
from extraction.text.labels import ABSTRACT_PARTS, NUMBERED
from extraction.text.lines import Line
from extraction.vocabulary.front_matter import (
    ABSTRACT_LABEL,
    INTRODUCTION_OR_BACKGROUND,
    KEYWORDS_LABEL,
    SMALL_PRINT,
    is_address,
)

_INTRODUCTION = re.compile(
    rf"(?:(?:1|I)[.)]?\s*)?(?:{INTRODUCTION_OR_BACKGROUND}|einleitung|introducci[óo]n|introdu[çc][ãa]o)\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.?!][\"'”’)\]]*(?:\s*\[?\d[\d,–-]*\]?)?\s*$")
_PRINTED_AS_LABEL = re.compile(r"[^a-zà-þ]")
# Heuristics. Lengths are in characters.
_MIN_LENGTH, _MAX_LENGTH = 150, 7000
_CJK_FACTOR = 4  # Chinese, Japanese and Korean texts are shorter by this factor
_MIN_UNLABELLED_LENGTH = 250
_MAX_LABEL_PAGE, _MAX_UNLABELLED_PAGE = 3, 2  # last page on which an abstract begins
_MAX_LINES_BEFORE_LABEL = 12  # of the label's block
_MAX_BLOCKS = 40  # from the label to the end of the abstract
_MAX_BLOCKS_TO_KEYWORDS = 20  # keywords within that distance end the abstract
_STYLE_LENGTH = 80  # a block of more characters sets the style; a shorter one may interrupt it
_MAX_HEADING_LENGTH, _MAX_HEADING_LINE_LENGTH = 39, 29  # of "Introduction": a block, a line
_MAX_ADDRESS_LENGTH, _ADDRESS_REACH = 149, 200  # a block of an address; its searched beginning
_SMALL_PRINT_REACH, _UNLABELLED_SMALL_PRINT_REACH = 160, 200  # beginning of a block, searched
_MAX_STRUCTURED_LENGTH = 4000  # up to the last heading of a structured abstract
_TITLE_REACH = 40  # beginning of a heading that is compared with the title
_MIN_SENTENCES, _MIN_LOWER_CASE_SHARE = 2, 0.55  # of an abstract without a label
_BLOCKS_AFTER = 4  # searched for the heading after an abstract without a label
# Confidence (0 to 1) of an abstract: behind "Abstract", behind "Summary", in the column below the
# label, by its type, by the heading after it.
_CONFIDENCE_LABEL, _CONFIDENCE_SUMMARY, _CONFIDENCE_COLUMN = 0.95, 0.8, 0.85
_CONFIDENCE_TYPE, _CONFIDENCE_HEADING = 0.75, 0.6

_PROSE = (BlockKind.TEXT, BlockKind.FOOTNOTE)


@dataclass(frozen=True)
class Abstract:
    """The text of an abstract, the indexes of the blocks that print it, and the evidence."""

    text: str
    blocks: tuple[int, ...]
    evidence: Evidence


def find_abstract(
    paper: Paper, front: Sequence[Line], drawn: Sequence[Line], keywords: Keywords
) -> Abstract | None:
    """Returns the abstract of the paper, None if it has none.

    The blocks behind the label are tried first. If the label is in one block with the text beside
    it, the column below the label is read from `drawn` (the lines in drawing order). Without a
    label the type decides.
    """
    styles = Styles(paper, front)
    labels = [found for index in range(len(paper.blocks)) if (found := _label(paper, index))]
    labels.sort(key=lambda found: not found[2])
    for index, start, sure in labels:
        found = _read_from(paper, index, start, keywords, styles)
        if len(found.text) >= _min_length(found.text) and not _is_mixed(paper, index):
            confidence = _CONFIDENCE_LABEL if sure else _CONFIDENCE_SUMMARY
            return Abstract(found.text, found.blocks, Evidence("label", confidence))
    if (column := _in_column(paper, drawn)) is not None:
        return column
    return None if labels else _unlabelled(paper, keywords, styles)


def _min_length(text: str) -> int:
    is_cjk = re.search(r"[\u3040-\u9fff\uac00-\ud7af]", text)
    return _MIN_LENGTH // _CJK_FACTOR if is_cjk else _MIN_LENGTH


def _is_mixed(paper: Paper, index: int) -> bool:
    """True if the label follows other words of its block on the same line."""
    block = paper.blocks[index]
    label = ABSTRACT_LABEL.match(block.text)
    return label is None and len(block.lines) < 2


def _in_column(paper: Paper, lines: Sequence[Line]) -> Abstract | None:
    known = words_of(line.text for line in lines)
    for line in lines:
        label = ABSTRACT_LABEL.match(line.text)
        if label is None or not label["sure"] or not _PRINTED_AS_LABEL.match(line.text):
            continue
        runs_in = label.end() < len(line.text)
        if runs_in and not label["end"].strip() and not label["sure"].isupper():
            continue
        column = column_below(
            line, lines, runs_in=runs_in, ends=_ends_column, continues=_is_part_line
        )
        text = join_lines([below.text for below in column], known)[0]
        text = text[label.end() if runs_in else 0 :]
        if _min_length(text) <= len(text) <= _MAX_LENGTH:
            evidence = Evidence("label", _CONFIDENCE_COLUMN)
            return Abstract(text.strip(), _blocks_of(paper, column), evidence)
    return None


def _ends_column(line: Line) -> bool:
    return bool(
        KEYWORDS_LABEL.match(line.text)
        or (_INTRODUCTION.match(line.text) and len(line.text) <= _MAX_HEADING_LINE_LENGTH)
    )


def _is_part_line(line: Line) -> bool:
    return bool(ABSTRACT_PARTS.match(line.text)) and (line.bold or bool(line.lead))


def _blocks_of(paper: Paper, lines: Sequence[Line]) -> tuple[int, ...]:
    """Returns the indexes of the blocks most of whose printed lines overlap these lines."""
    boxes = [line.box for line in lines]
    return tuple(
        index
        for index, block in enumerate(paper.blocks)
        if block.lines
        and 2 * sum(any(_overlap(box, other) for other in boxes) for _, box in block.lines)
        > len(block.lines)
    )


def _overlap(box: Box, other: Box) -> bool:
    middle = (box.y0 + box.y1) / 2
    across = min(box.x1, other.x1) - max(box.x0, other.x0)
    return box.page == other.page and other.y0 < middle < other.y1 and across > 0


def _label(paper: Paper, index: int) -> tuple[int, int, bool] | None:
    """Returns the block, the offset in it at which the text behind the label begins, and whether
    the label is "abstract"."""
    block = paper.blocks[index]
    if (
        not block.boxes
        or block.boxes[0].page > _MAX_LABEL_PAGE
        or block.kind is BlockKind.REFERENCE
    ):
        return None
    # A label that follows small print in one block begins a line of it.
    for start in [at for at, _ in block.lines][:_MAX_LINES_BEFORE_LABEL] or [0]:
        found = ABSTRACT_LABEL.match(block.text, start)
        if found is None or not _PRINTED_AS_LABEL.match(found[0]):
            continue
        word = found["sure"] or found["other"]
        plain_end = not found["end"].strip(" ") and found.end() < len(block.text)
        if plain_end and not (word.isupper() or _has_own_line(block, start, word)):
            continue
        if found["other"] and not plain_end and start:
            continue
        return index, found.end(), bool(found["sure"])
    return None


def _has_own_line(block: Block, start: int, word: str) -> bool:
    """True if the label has a printed line of its own."""
    starts = [at for at, _ in block.lines]
    return any(start < at <= start + len(word) + 2 for at in starts)


def _read_from(
    paper: Paper, index: int, start: int, keywords: Keywords, styles: Styles
) -> Abstract:
    """Returns the text from there to the keywords, a heading or text in another style."""
    parts: list[str] = []
    blocks: list[int] = []
    style: Style | None = None
    level = _level(paper, index)
    bounded = keywords.block is not None and (
        index <= keywords.block <= index + _MAX_BLOCKS_TO_KEYWORDS
    )
    for at in range(index, min(len(paper.blocks), index + _MAX_BLOCKS)):
        block = paper.blocks[at]
        text = block.text[start:] if at == index else block.text
        if keywords.block == at:
            before = block.text[start if at == index else 0 : keywords.start].strip()
            if before and (at == index or alike(style, styles.of(block))):
                parts.append(before)
                blocks.append(at)
            break
        if at == index and not text.strip():
            blocks.append(at)
            continue
        if at > index:
            decision = _decide(paper, at, parts, style, level, bounded, styles)
            if decision == "stop":
                break
            if decision == "skip":
                continue
        if len(text) > _STYLE_LENGTH:
            style = style or styles.of(block)
        parts.append(text.strip())
        blocks.append(at)
        if sum(map(len, parts)) > _MAX_LENGTH:
            break
    return Abstract(_join(parts), tuple(blocks), Evidence("", 0))


def _join(parts: Sequence[str]) -> str:
    return " ".join(part for part in parts if part).strip()


def _level(paper: Paper, index: int) -> int:
    block = paper.blocks[index]
    if block.kind is BlockKind.HEADING and block.section is not None:
        return paper.sections[block.section].level
    return 0


def _decide(
    paper: Paper,
    at: int,
    parts: Sequence[str],
    style: Style | None,
    level: int,
    bounded: bool,
    styles: Styles,
) -> str:
    """Returns whether the block continues the abstract ("take"), interrupts it ("skip") or ends it
    ("stop")."""
    block = paper.blocks[at]
    if KEYWORDS_LABEL.match(block.text):
        return "stop"
    if block.kind is BlockKind.HEADING:
        return "take" if _is_part(paper, at, parts, level, bounded) else "stop"
    if block.kind not in _PROSE or (
        block.kind is BlockKind.FOOTNOTE and not alike(style, styles.of(block))
    ):
        return "skip"
    if (
        not parts
        and not alike(styles.body, styles.of(block))
        and is_address(block.text[:_ADDRESS_REACH])
        and len(block.text) <= _MAX_ADDRESS_LENGTH
    ):
        return "skip"
    if SMALL_PRINT.search(block.text[:_SMALL_PRINT_REACH]) and not alike(style, styles.of(block)):
        return "skip"
    is_short = len(block.text) <= _MAX_HEADING_LENGTH
    if _INTRODUCTION.match(block.text) and parts and not bounded and is_short:
        return "stop"
    if ABSTRACT_PARTS.fullmatch(block.text):
        return "take"
    if parts and not alike(style, styles.of(block)):
        unfinished = not _ENDS.search(parts[-1])
        return "skip" if unfinished or bounded or len(block.text) < _STYLE_LENGTH else "stop"
    if parts and not _same_column(paper, at, styles, style) and _ENDS.search(parts[-1]):
        return "skip" if bounded else "stop"
    return "take"


def _is_part(paper: Paper, at: int, parts: Sequence[str], level: int, bounded: bool) -> bool:
    """True if the heading belongs to a structured abstract."""
    block = paper.blocks[at]
    if (
        (parts and _INTRODUCTION.match(block.text))
        or NUMBERED.fullmatch(block.text)
        or not ABSTRACT_PARTS.fullmatch(block.text)
    ):
        return False
    own = _level(paper, at)
    if level and own > level:
        return True
    if bounded:
        return True
    title = block.text.strip(" .:").lower()
    again = [section for section in paper.sections if section.title.strip(" .:").lower() == title]
    return (
        len(again) > 1
        and again[0].box.page <= block.boxes[0].page
        and sum(map(len, parts)) < _MAX_STRUCTURED_LENGTH
    )


def _same_column(paper: Paper, at: int, styles: Styles, style: Style | None) -> bool:
    """True if the block stands below the one before it, or the abstract has a style of its own."""
    if style is not None and styles.body is not None and not alike(style, styles.body):
        return True
    box, before = paper.blocks[at].boxes[0], paper.blocks[at - 1].boxes[-1]
    return box.page == before.page and min(box.x1, before.x1) - max(box.x0, before.x0) > 0


def _unlabelled(paper: Paper, keywords: Keywords, styles: Styles) -> Abstract | None:
    """Returns the first long paragraph before the body's first heading, if its style is not the
    body's or a heading or keywords follow."""
    for index, block in enumerate(paper.blocks):
        if not block.boxes or block.boxes[0].page > _MAX_UNLABELLED_PAGE:
            return None
        if block.kind is BlockKind.HEADING and not _is_of_front(paper, block):
            return None
        if not _may_be_abstract(block):
            continue
        found = _read_from(paper, index, 0, keywords, styles)
        after = found.blocks[-1] + 1 if found.blocks else index + 1
        other_type = not alike(styles.of(block), styles.body)
        if not other_type and not _ends_before_heading(paper, after, keywords):
            return None
        confidence = _CONFIDENCE_TYPE if other_type else _CONFIDENCE_HEADING
        return Abstract(found.text, found.blocks, Evidence("type", confidence))
    return None


def _is_of_front(paper: Paper, block: Block) -> bool:
    """True for a heading that is the title or stands where the title does."""
    title = paper.title or ""
    return block.text[:_TITLE_REACH] in title or not (
        NUMBERED.fullmatch(block.text) or _INTRODUCTION.match(block.text)
    )


def _may_be_abstract(block: Block) -> bool:
    text = block.text
    if block.kind is not BlockKind.TEXT or len(text) < _MIN_UNLABELLED_LENGTH:
        return False
    sentences = len(re.findall(r"[a-z)\d][.?!](?:\s|$)", text))
    lower = sum(word[:1].islower() for word in text.split()) / len(text.split())
    is_prose = sentences >= _MIN_SENTENCES and lower > _MIN_LOWER_CASE_SHARE
    return is_prose and not SMALL_PRINT.search(text[:_UNLABELLED_SMALL_PRINT_REACH])


def _ends_before_heading(paper: Paper, after: int, keywords: Keywords) -> bool:
    if keywords.block is not None and keywords.block in (after, after - 1):
        return True
    for block in paper.blocks[after : after + _BLOCKS_AFTER]:
        if block.kind is BlockKind.HEADING:
            return bool(_INTRODUCTION.match(block.text) or NUMBERED.fullmatch(block.text))
        beginning = block.text[:_UNLABELLED_SMALL_PRINT_REACH]
        if block.kind is BlockKind.TEXT and not SMALL_PRINT.search(beginning):
            return False
    return False
