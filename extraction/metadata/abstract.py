"""Finds the abstract: behind its label, or by its type, which differs from that of the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.papers import Block, BlockKind, Box, Evidence, Paper, SectionRole
from extraction.geometry import overlap_x
from extraction.metadata.block_styles import Style, Styles, alike
from extraction.metadata.column import Decision, column_below
from extraction.metadata.keywords import Keywords
from extraction.text.clean import join_lines, words_of
from extraction.text.labels import ABSTRACT_PARTS, NUMBERED
from extraction.text.lines import Line
from extraction.vocabulary.front_matter import (
    ABSTRACT_LABEL,
    AFTER_ABSTRACT,
    INTRODUCTION_OR_BACKGROUND,
    KEYWORDS_LABEL,
    SMALL_PRINT,
    is_address,
)
from extraction.vocabulary.section_names import SectionName, names_of

_INTRODUCTION = re.compile(
    rf"(?:(?:1|I)[.)]?\s*)?(?:{INTRODUCTION_OR_BACKGROUND}|{names_of(SectionName.INTRODUCTION)})\b",
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
    """The text of an abstract, the indexes of the blocks that print it, and the evidence.

    `others` are the indexes of the blocks that print abstracts in other languages.
    """

    text: str
    blocks: tuple[int, ...]
    evidence: Evidence
    others: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Label:
    """The label of an abstract: its block, the offset behind it, whether it is "abstract", and the
    word in lower case."""

    block: int
    end: int
    is_sure: bool
    word: str


def find_abstract(
    paper: Paper, front: Sequence[Line], drawn: Sequence[Line], keywords: Keywords
) -> Abstract | None:
    """Returns the abstract of the paper, None if it has none.

    The blocks behind the label are tried first. If the label is in one block with the text beside
    it, the column below the label is read from `drawn` (the lines in drawing order). Without a
    label the type decides.
    """
    styles = Styles(paper, front)
    labels = [label for index in range(len(paper.blocks)) if (label := _label(paper, index))]
    found = _main_abstract(paper, drawn, keywords, styles, labels)
    if found is None:
        return None
    return replace(found, others=_other_abstracts(paper, keywords, styles, labels, found))


def _main_abstract(
    paper: Paper,
    drawn: Sequence[Line],
    keywords: Keywords,
    styles: Styles,
    labels: Sequence[_Label],
) -> Abstract | None:
    for label in sorted(labels, key=lambda label: not label.is_sure):
        found = _Collector(paper, keywords, styles, label.block).collect(label.end)
        if len(found.text) >= _min_length(found.text) and not _is_mixed(paper.blocks[label.block]):
            confidence = _CONFIDENCE_LABEL if label.is_sure else _CONFIDENCE_SUMMARY
            return replace(found, evidence=Evidence("label", confidence))
    if (column := _in_column(paper, drawn)) is not None:
        return column
    return None if labels else _unlabelled(paper, keywords, styles)


def _other_abstracts(
    paper: Paper,
    keywords: Keywords,
    styles: Styles,
    labels: Sequence[_Label],
    found: Abstract,
) -> tuple[int, ...]:
    """Returns the blocks of the abstracts behind a label in another language, outside the body."""
    taken = set(found.blocks)
    main = {label.word for label in labels if taken & {label.block, label.block + 1}}
    others: list[int] = []
    for label in labels:
        is_of_body = _role(paper, paper.blocks[label.block]) is SectionRole.BODY
        if not label.is_sure or label.word in main or label.block in taken or is_of_body:
            continue
        other = _Collector(paper, keywords, styles, label.block).collect(label.end)
        if len(other.text) >= _min_length(other.text) and taken.isdisjoint(other.blocks):
            others.extend(other.blocks)
            taken.update(other.blocks)
    return tuple(others)


def _role(paper: Paper, block: Block) -> SectionRole | None:
    return None if block.section is None else paper.sections[block.section].role


def _min_length(text: str) -> int:
    is_cjk = re.search(r"[\u3040-\u9fff\uac00-\ud7af]", text)
    return _MIN_LENGTH // _CJK_FACTOR if is_cjk else _MIN_LENGTH


def _is_mixed(block: Block) -> bool:
    """True if the label follows other words of its block on the same line."""
    return len(block.lines) < 2 and ABSTRACT_LABEL.match(block.text) is None


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
    is_short = len(line.text) <= _MAX_HEADING_LINE_LENGTH
    is_after = KEYWORDS_LABEL.match(line.text) or AFTER_ABSTRACT.match(line.text)
    return bool(is_after or (is_short and _INTRODUCTION.match(line.text)))


def _is_part_line(line: Line) -> bool:
    return bool(ABSTRACT_PARTS.match(line.text)) and (line.bold or bool(line.lead))


def _blocks_of(paper: Paper, lines: Sequence[Line]) -> tuple[int, ...]:
    """Returns the indexes of the blocks most of whose printed lines overlap these lines."""
    boxes = [line.box for line in lines]
    return tuple(
        index
        for index, block in enumerate(paper.blocks)
        if 2 * sum(any(_overlap(box, other) for other in boxes) for _, box in block.lines)
        > len(block.lines)
    )


def _overlap(box: Box, other: Box) -> bool:
    is_beside = other.y0 < (box.y0 + box.y1) / 2 < other.y1
    return box.page == other.page and is_beside and overlap_x(box, other) > 0


def _label(paper: Paper, index: int) -> _Label | None:
    block = paper.blocks[index]
    if (
        not block.boxes
        or block.boxes[0].page > _MAX_LABEL_PAGE
        or block.kind is BlockKind.REFERENCE
    ):
        return None
    # A label that follows small print in one block begins a line of it.
    starts = [at for at, _ in block.lines]
    for start in starts[:_MAX_LINES_BEFORE_LABEL] or [0]:
        found = ABSTRACT_LABEL.match(block.text, start)
        if found is None or not _PRINTED_AS_LABEL.match(found[0]):
            continue
        word = found["sure"] or found["other"]
        has_own_line = any(start < at <= start + len(word) + 2 for at in starts)
        plain_end = not found["end"].strip(" ") and found.end() < len(block.text)
        if plain_end and not (word.isupper() or has_own_line):
            continue
        if found["other"] and not plain_end and start:
            continue
        return _Label(index, found.end(), bool(found["sure"]), word.lower())
    return None


class _Collector:
    """Collects an abstract from one block on, up to the keywords, a heading or another style."""

    def __init__(self, paper: Paper, keywords: Keywords, styles: Styles, first: int) -> None:
        self._paper, self._keywords, self._styles, self._first = paper, keywords, styles, first
        self._parts: list[str] = []
        self._style: Style | None = None
        self._level = _level(paper, paper.blocks[first])
        self._is_bounded = keywords.block is not None and (
            first <= keywords.block <= first + _MAX_BLOCKS_TO_KEYWORDS
        )

    def collect(self, start: int) -> Abstract:
        """Returns the abstract, whose text begins at this offset of the first block."""
        taken: list[int] = []
        for index, block in enumerate(self._paper.blocks[self._first :][:_MAX_BLOCKS], self._first):
            is_first = index == self._first
            decision = Decision.TAKE if is_first else self._decide(index)
            text = block.text[start if is_first else 0 :]
            has_keywords = index == self._keywords.block
            if has_keywords:
                text = block.text[start if is_first else 0 : self._keywords.start].strip()
                is_alike = is_first or alike(self._style, self._styles.of(block))
                decision = Decision.TAKE if text and is_alike else Decision.STOP
            if decision is Decision.TAKE:
                self._take(block, text)
                taken.append(index)
            if decision is Decision.STOP or has_keywords or self._length > _MAX_LENGTH:
                break
        return Abstract(" ".join(self._parts), tuple(taken), Evidence("", 0))

    @property
    def _length(self) -> int:
        return sum(map(len, self._parts))

    def _take(self, block: Block, text: str) -> None:
        if len(text) > _STYLE_LENGTH:
            self._style = self._style or self._styles.of(block)
        if text.strip():  # not only the label
            self._parts.append(text.strip())

    def _decide(self, index: int) -> Decision:
        block = self._paper.blocks[index]
        is_alike = alike(self._style, self._styles.of(block))
        other = _label(self._paper, index)
        is_after = KEYWORDS_LABEL.match(block.text) or AFTER_ABSTRACT.match(block.text)
        if is_after or (other and other.is_sure):
            return Decision.STOP
        if block.kind is BlockKind.HEADING:
            return Decision.TAKE if self._is_part(block) else Decision.STOP
        if block.kind not in _PROSE or (block.kind is BlockKind.FOOTNOTE and not is_alike):
            return Decision.SKIP
        is_small_print = SMALL_PRINT.search(block.text[:_SMALL_PRINT_REACH]) and not is_alike
        if is_small_print or self._is_address(block):
            return Decision.SKIP
        is_short = len(block.text) <= _MAX_HEADING_LENGTH
        if _INTRODUCTION.match(block.text) and self._parts and not self._is_bounded and is_short:
            return Decision.STOP
        if not self._parts or ABSTRACT_PARTS.fullmatch(block.text):
            return Decision.TAKE
        has_ended = bool(_ENDS.search(self._parts[-1]))
        if not is_alike and (not has_ended or len(block.text) < _STYLE_LENGTH):
            return Decision.SKIP
        if not is_alike or (has_ended and not self._is_in_column(index)):
            return Decision.SKIP if self._is_bounded else Decision.STOP
        return Decision.TAKE

    def _is_address(self, block: Block) -> bool:
        """True for an address between the label and the text."""
        return (
            not self._parts
            and not alike(self._styles.body, self._styles.of(block))
            and len(block.text) <= _MAX_ADDRESS_LENGTH
            and is_address(block.text[:_ADDRESS_REACH])
        )

    def _is_part(self, block: Block) -> bool:
        """True if the heading belongs to a structured abstract."""
        if (
            (self._parts and _INTRODUCTION.match(block.text))
            or NUMBERED.fullmatch(block.text)
            or not ABSTRACT_PARTS.fullmatch(block.text)
        ):
            return False
        if self._is_bounded or (self._level and _level(self._paper, block) > self._level):
            return True
        title = block.text.strip(" .:").lower()
        sections = self._paper.sections
        again = [section for section in sections if section.title.strip(" .:").lower() == title]
        return (
            len(again) > 1
            and again[0].box.page <= block.boxes[0].page
            and self._length < _MAX_STRUCTURED_LENGTH
        )

    def _is_in_column(self, index: int) -> bool:
        """True if the block stands below the one before it, or the abstract has its own style."""
        if not alike(self._style, self._styles.body):
            return True
        box, before = self._paper.blocks[index].boxes[0], self._paper.blocks[index - 1].boxes[-1]
        return box.page == before.page and overlap_x(box, before) > 0


def _level(paper: Paper, block: Block) -> int:
    if block.kind is BlockKind.HEADING and block.section is not None:
        return paper.sections[block.section].level
    return 0


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
        found = _Collector(paper, keywords, styles, index).collect(0)
        after = found.blocks[-1] + 1 if found.blocks else index + 1
        other_type = not alike(styles.of(block), styles.body)
        if not other_type and not _ends_before_heading(paper, after, keywords):
            return None
        confidence = _CONFIDENCE_TYPE if other_type else _CONFIDENCE_HEADING
        return replace(found, evidence=Evidence("type", confidence))
    return None


def _is_of_front(paper: Paper, block: Block) -> bool:
    """True for a heading that is the title or stands where the title does."""
    is_title = block.text[:_TITLE_REACH] in (paper.title or "")
    return is_title or not (NUMBERED.fullmatch(block.text) or _INTRODUCTION.match(block.text))


def _may_be_abstract(block: Block) -> bool:
    text = block.text
    if block.kind is not BlockKind.TEXT or len(text) < _MIN_UNLABELLED_LENGTH:
        return False
    sentences = len(re.findall(r"[a-z)\d][.?!](?:\s|$)", text))
    lower = sum(word[:1].islower() for word in text.split()) / len(text.split())
    is_prose = sentences >= _MIN_SENTENCES and lower > _MIN_LOWER_CASE_SHARE
    return is_prose and not _is_small_print(block)


def _is_small_print(block: Block) -> bool:
    return bool(SMALL_PRINT.search(block.text[:_UNLABELLED_SMALL_PRINT_REACH]))


def _ends_before_heading(paper: Paper, after: int, keywords: Keywords) -> bool:
    if keywords.block is not None and keywords.block in (after, after - 1):
        return True
    for block in paper.blocks[after : after + _BLOCKS_AFTER]:
        if block.kind is BlockKind.HEADING:
            return bool(_INTRODUCTION.match(block.text) or NUMBERED.fullmatch(block.text))
        if block.kind is BlockKind.TEXT and not _is_small_print(block):
            return False
    return False
