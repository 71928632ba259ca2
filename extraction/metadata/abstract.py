"""The abstract: behind its label, or in the type that tells it from the text below the authors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.papers import Block, BlockKind, Box, Evidence, Paper
from extraction.metadata.column import column_below
from extraction.metadata.keywords import LABEL as KEYWORDS
from extraction.metadata.keywords import Keywords
from extraction.metadata.styles import Style, Styles, alike
from extraction.metadata.vocabulary import SMALL_PRINT, is_address
from extraction.text.clean import join_lines, words_of
from extraction.text.labels import ABSTRACT_PARTS, NUMBERED
from extraction.text.lines import Line

_SURE_LABEL = (
    r"a\s?b\s?s\s?t\s?r\s?a\s?c\s?t|abstrakt|abstrak|r[ée]sum[ée]|resumen|resumo|zusammenfassung|"
    r"kurzfassung|riassunto|sommario|аннотация|özet|摘\s*要|要\s*旨|초\s*록"
)
_LABEL = re.compile(
    rf"(?:(?P<sure>{_SURE_LABEL})|(?P<other>(?:executive )?s\s?u\s?m\s?m\s?a\s?r\s?y|synopsis))"
    r"(?P<end>\s*[.:;—–―-]+\s*|\s*$|\s+(?=[A-Z\d\"“(]))",
    re.IGNORECASE,
)
_NOT_IT = re.compile(
    r"(?:graphical|video|visual) abstract|author summary|plain language|key points|highlights", re.I
)
_INTRODUCTION = re.compile(
    r"(?:(?:1|I)[.)]?\s*)?(?:introduction|background|einleitung|introducci[óo]n|introdu[çc][ãa]o)\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.?!][\"'”’)\]]*(?:\s*\[?\d[\d,–-]*\]?)?\s*$")
_PRINTED_AS_LABEL = re.compile(r"[^a-zà-þ]")
_LEAST, _MOST = 150, 7000  # characters
_LEAST_UNLABELLED = 250

_PROSE = (BlockKind.TEXT, BlockKind.FOOTNOTE)


@dataclass(frozen=True)
class Abstract:
    """Its text, the blocks that print it, and where it was found."""

    text: str
    blocks: tuple[int, ...]
    evidence: Evidence


def find_abstract(
    paper: Paper, front: Sequence[Line], every: Sequence[Line], keywords: Keywords
) -> Abstract | None:
    """The abstract of the paper, None when it has none.

    The blocks behind its label come first; where the label got mixed up with what stands beside
    it (`every`: the lines as drawn), the column below it; without a label, the type tells.
    """
    styles = Styles(paper, front)
    labels = [found for index in range(len(paper.blocks)) if (found := _label(paper, index))]
    labels.sort(key=lambda found: not found[2])
    for index, start, sure in labels:
        found = _behind(paper, index, start, keywords, styles)
        if len(found.text) >= _least(found.text) and not _mixed(paper, index):
            return Abstract(found.text, found.blocks, Evidence("label", 0.95 if sure else 0.8))
    if (column := _in_column(paper, every)) is not None:
        return column
    return None if labels else _unlabelled(paper, keywords, styles)


def _least(text: str) -> int:
    return _LEAST // 4 if re.search(r"[\u3040-\u9fff\uac00-\ud7af]", text) else _LEAST


def _mixed(paper: Paper, index: int) -> bool:
    """True when the label stands behind other words of its block, on one line with them."""
    block = paper.blocks[index]
    label = _LABEL.match(block.text)
    return label is None and len(block.lines) < 2


def _in_column(paper: Paper, every: Sequence[Line]) -> Abstract | None:
    known = words_of(line.text for line in every)
    for line in every:
        label = _LABEL.match(line.text)
        if label is None or not label["sure"] or not _PRINTED_AS_LABEL.match(line.text):
            continue
        runs_in = label.end() < len(line.text)
        if runs_in and not label["end"].strip() and not label["sure"].isupper():
            continue
        lines = column_below(line, every, runs_in=runs_in, ends=_ends_column, goes_on=_is_part_line)
        text = join_lines([one.text for one in lines], known)[0][label.end() if runs_in else 0 :]
        if _least(text) <= len(text) <= _MOST:
            return Abstract(text.strip(), _blocks_of(paper, lines), Evidence("label", 0.85))
    return None


def _ends_column(line: Line) -> bool:
    return bool(
        KEYWORDS.match(line.text) or (_INTRODUCTION.match(line.text) and len(line.text) < 30)
    )


def _is_part_line(line: Line) -> bool:
    return bool(ABSTRACT_PARTS.match(line.text)) and (line.bold or bool(line.lead))


def _blocks_of(paper: Paper, lines: Sequence[Line]) -> tuple[int, ...]:
    """The blocks most of whose printed lines overlap these lines."""
    boxes = [line.box for line in lines]
    return tuple(
        index
        for index, block in enumerate(paper.blocks)
        if block.lines
        and 2 * sum(any(_meet(box, other) for other in boxes) for _, box in block.lines)
        > len(block.lines)
    )


def _meet(one: Box, other: Box) -> bool:
    middle = (one.y0 + one.y1) / 2
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    return one.page == other.page and other.y0 < middle < other.y1 and across > 0


def _label(paper: Paper, index: int) -> tuple[int, int, bool] | None:
    """Block, where the text behind the label begins in it, and whether it says "abstract"."""
    block = paper.blocks[index]
    if not block.boxes or block.boxes[0].page > 3 or block.kind is BlockKind.REFERENCE:
        return None
    # A label may follow small print in one block; it then begins a line of it.
    for start in [at for at, _ in block.lines][:12] or [0]:
        found = _LABEL.match(block.text, start)
        if found is None or not _PRINTED_AS_LABEL.match(found[0]):
            continue
        word = found["sure"] or found["other"]
        plain_end = not found["end"].strip(" ") and found.end() < len(block.text)
        if plain_end and not (word.isupper() or _stands_apart(block, start, word)):
            continue
        if found["other"] and not plain_end and start:
            continue
        return index, found.end(), bool(found["sure"])
    return None


def _stands_apart(block: Block, start: int, word: str) -> bool:
    """True when the label has a printed line for itself."""
    starts = [at for at, _ in block.lines]
    return any(start < at <= start + len(word) + 2 for at in starts)


def _behind(paper: Paper, index: int, start: int, keywords: Keywords, styles: Styles) -> Abstract:
    """The text from there to the keywords, a heading or text in other type."""
    parts: list[str] = []
    taken: list[int] = []
    style: Style | None = None
    level = _level(paper, index)
    bounded = keywords.block is not None and index <= keywords.block <= index + 20
    for at in range(index, min(len(paper.blocks), index + 40)):
        block = paper.blocks[at]
        text = block.text[start:] if at == index else block.text
        if keywords.block == at:
            before = block.text[start if at == index else 0 : keywords.start].strip()
            if before and (at == index or alike(style, styles.of(block))):
                parts.append(before)
                taken.append(at)
            break
        if at == index and not text.strip():
            taken.append(at)
            continue
        if at > index:
            verdict = _verdict(paper, at, parts, style, level, bounded, styles)
            if verdict == "stop":
                break
            if verdict == "skip":
                continue
        if len(text) > 80:
            style = style or styles.of(block)
        parts.append(text.strip())
        taken.append(at)
        if sum(map(len, parts)) > _MOST:
            break
    return Abstract(_whole(parts), tuple(taken), Evidence("", 0))


def _whole(parts: Sequence[str]) -> str:
    return " ".join(part for part in parts if part).strip()


def _level(paper: Paper, index: int) -> int:
    block = paper.blocks[index]
    if block.kind is BlockKind.HEADING and block.section is not None:
        return paper.sections[block.section].level
    return 0


def _verdict(
    paper: Paper,
    at: int,
    parts: Sequence[str],
    style: Style | None,
    level: int,
    bounded: bool,
    styles: Styles,
) -> str:
    """Whether the block goes on with the abstract ("take"), stands in its way ("skip") or ends it
    ("stop")."""
    block = paper.blocks[at]
    if KEYWORDS.match(block.text):
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
        and is_address(block.text[:200])
        and len(block.text) < 150
    ):
        return "skip"
    if SMALL_PRINT.search(block.text[:160]) and not alike(style, styles.of(block)):
        return "skip"
    if _INTRODUCTION.match(block.text) and parts and not bounded and len(block.text) < 40:
        return "stop"
    if ABSTRACT_PARTS.fullmatch(block.text):
        return "take"
    if parts and not alike(style, styles.of(block)):
        unfinished = not _ENDS.search(parts[-1])
        return "skip" if unfinished or bounded or len(block.text) < 80 else "stop"
    if parts and not _same_column(paper, at, styles, style) and _ENDS.search(parts[-1]):
        return "skip" if bounded else "stop"
    return "take"


def _is_part(paper: Paper, at: int, parts: Sequence[str], level: int, bounded: bool) -> bool:
    """True when the heading is one inside a structured abstract."""
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
        len(again) > 1 and again[0].box.page <= block.boxes[0].page and sum(map(len, parts)) < 4000
    )


def _same_column(paper: Paper, at: int, styles: Styles, style: Style | None) -> bool:
    """True when the block stands below the one before it, or is set in a type of its own."""
    if style is not None and styles.body is not None and not alike(style, styles.body):
        return True
    box, before = paper.blocks[at].boxes[0], paper.blocks[at - 1].boxes[-1]
    return box.page == before.page and min(box.x1, before.x1) - max(box.x0, before.x0) > 0


def _unlabelled(paper: Paper, keywords: Keywords, styles: Styles) -> Abstract | None:
    """The first long paragraph before the body's first heading, if its type is not the body's or a
    heading or keywords follow."""
    for index, block in enumerate(paper.blocks):
        if not block.boxes or block.boxes[0].page > 2:
            return None
        if block.kind is BlockKind.HEADING and not _is_of_front(paper, block):
            return None
        if not _may_be_abstract(block):
            continue
        found = _behind(paper, index, 0, keywords, styles)
        after = found.blocks[-1] + 1 if found.blocks else index + 1
        other_type = not alike(styles.of(block), styles.body)
        if not other_type and not _ends_before_heading(paper, after, keywords):
            return None
        return Abstract(found.text, found.blocks, Evidence("type", 0.75 if other_type else 0.6))
    return None


def _is_of_front(paper: Paper, block: Block) -> bool:
    """True for a heading that is the title or stands in its place."""
    title = paper.title or ""
    return block.text[:40] in title or not (
        NUMBERED.fullmatch(block.text) or _INTRODUCTION.match(block.text)
    )


def _may_be_abstract(block: Block) -> bool:
    text = block.text
    if block.kind is not BlockKind.TEXT or len(text) < _LEAST_UNLABELLED:
        return False
    sentences = len(re.findall(r"[a-z)\d][.?!](?:\s|$)", text))
    lower = sum(word[:1].islower() for word in text.split()) / len(text.split())
    return sentences >= 2 and lower > 0.55 and not SMALL_PRINT.search(text[:200])


def _ends_before_heading(paper: Paper, after: int, keywords: Keywords) -> bool:
    if keywords.block is not None and keywords.block in (after, after - 1):
        return True
    for block in paper.blocks[after : after + 4]:
        if block.kind is BlockKind.HEADING:
            return bool(_INTRODUCTION.match(block.text) or NUMBERED.fullmatch(block.text))
        if block.kind is BlockKind.TEXT and not SMALL_PRINT.search(block.text[:200]):
            return False
    return False
