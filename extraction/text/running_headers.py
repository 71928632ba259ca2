"""Removes running headers, footers, page numbers, watermarks and line numbers from the pages."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from domain.papers import PageSize
from extraction.text.lines import Line
from extraction.vocabulary.captions import caption_label
from extraction.vocabulary.front_matter import DOWNLOADED

_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"\W*+(?:page|p\.|pp\.)?\s*+(?:[A-Z]?\d{1,5}|[ivxl]{1,6})"
    r"(?:\s*+(?:of|/|–|-)\s*+[A-Z]?\d{1,5})?\W*+",
    re.IGNORECASE,
)
_WATERMARK = re.compile(
    r"(?:draft|preprint|(?:(?:accepted|author|submitted|original) )*manuscript|in press|"
    r"uncorrected proofs?|(?:article|journal) pre-?proofs?|confidential|under review|"
    r"for (?:peer )?review(?: only)?|do not (?:cite|distribute|copy)\b.{0,40}|retracted|"
    r"author.?s copy|not for distribution|sample|just accepted|provisional)(?: article| version)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,4}")
_LEADING_NUMBER = re.compile(r"(\d{1,4})\s+(?=\S)")

# Heuristics. Margins are shares of the page's height, at either end.
_MARGIN = 0.14  # where running headers and footers stand
_SIDE_MARGIN = 0.14  # share of the page's width, where rotated stamps stand
_NUMBER_MARGIN = 0.09  # where page numbers stand
_MAX_NUMBER_LENGTH = 19  # characters of a line with a page number
_SAME_POSITION_POINTS = 4.0  # distance from the edge of one running line on several pages
_POSITION_TOLERANCE = 1.5  # times that distance
# Pages that print a line at one position: a running line in a document of up to four pages, and in
# a longer one.
_SHORT_DOCUMENT_PAGES, _MIN_PAGES_OF_SHORT, _MIN_PAGES = 4, 2, 3
_STAMPED_SHARE = 0.6  # of the pages that print a stamp, and no fewer than three
_STAMP_BIN_POINTS = 2  # positions in one bin are the same
_WATERMARK_SIZE = 1.8  # times the usual type size
_MAX_WATERMARK_LENGTH = 59  # characters
_TEXT_LINE_LENGTH = 30  # characters; the type size of longer lines is that of the text
_DEFAULT_SIZE_POINTS = 10.0  # of a document without such lines
_KEY_LENGTH = 200  # characters by which lines are compared
# Line numbers: what separates them from the numbers of a list or a table.
_MIN_NUMBERS = 10  # of a page
_MIN_NUMBERS_IN_STEPS = 4  # of a page where they rise by one constant step: "5", "10", "15" ...
_STEPS = {1, 2, 5, 10}
_LONG_LINE_LENGTH = 20  # characters; longer lines are text
_SAME_EDGE_POINTS = 12.0  # right edges of one column of numbers
_OUTSIDE_POINTS = 2  # tolerance for numbers beside the text
_GLUED_SHARE = 0.8  # of the page's long lines that begin with a rising number
_MAX_RISE = 3  # from the number of one line to that of the next


def without_running_lines(
    pages: Sequence[list[Line]], sizes: Sequence[PageSize]
) -> list[list[Line]]:
    """Returns the pages' lines without those that recur at the same position, page numbers,
    watermarks and line numbers."""
    offsets = _running_offsets(pages, sizes)
    stamps = _stamps(pages)
    usual = _usual_size(pages)
    return [
        _without_line_numbers(
            [
                line
                for line in lines
                if not _is_running(line, size, offsets)
                and not (stamps and _position(line) in stamps)
                and not _is_watermark(line, usual)
                and not _is_download_stamp(line, size)
            ]
        )
        for lines, size in zip(pages, sizes, strict=True)
    ]


def _margin_offset(line: Line, size: PageSize) -> float | None:
    """Returns the distance in points from the nearer edge (negative from the bottom), None if the
    line is not in a margin."""
    box = line.box if line.rotation else line
    middle = (box.y0 + box.y1) / 2
    if middle < size.height * _MARGIN:
        return middle
    return middle - size.height if middle > size.height * (1 - _MARGIN) else None


def _key(line: Line) -> str:
    return _DIGITS.sub("#", line.text[:_KEY_LENGTH]).lower()


def _position(line: Line) -> tuple[str, int, int, int]:
    x, y = round(line.x0 / _STAMP_BIN_POINTS), round(line.base / _STAMP_BIN_POINTS)
    return line.text[:_KEY_LENGTH], line.rotation, x, y


def _stamps(pages: Sequence[list[Line]]) -> set[tuple[str, int, int, int]]:
    """Returns text and position of the lines that most pages print identically at one position."""
    if len(pages) < _MIN_PAGES:
        return set()
    count_of_text = Counter(line.text for lines in pages for line in lines)
    least = max(_MIN_PAGES, _STAMPED_SHARE * len(pages))
    seen = Counter(
        position
        for lines in pages
        for position in {_position(line) for line in lines if count_of_text[line.text] >= least}
    )
    return {position for position, count in seen.items() if count >= least}


def _usual_size(pages: Sequence[list[Line]]) -> float:
    sizes = [line.size for lines in pages for line in lines if len(line.text) > _TEXT_LINE_LENGTH]
    return median(sizes) if sizes else _DEFAULT_SIZE_POINTS


def _is_watermark(line: Line, usual: float) -> bool:
    return (
        line.size > _WATERMARK_SIZE * usual
        and len(line.text) <= _MAX_WATERMARK_LENGTH
        and bool(_WATERMARK.fullmatch(line.text.strip(" *-–—.:")))
    )


def _is_download_stamp(line: Line, size: PageSize) -> bool:
    if not DOWNLOADED.match(line.text):
        return False
    box = line.box
    side = _SIDE_MARGIN * size.width
    is_beside = line.rotation and (box.x1 < side or box.x0 > size.width - side)
    return bool(is_beside) or _margin_offset(line, size) is not None


def _running_offsets(
    pages: Sequence[list[Line]], sizes: Sequence[PageSize]
) -> dict[str, list[float]]:
    """Returns the running lines (digits as #) and their distances from the edge of the page."""
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for lines, size in zip(pages, sizes, strict=True):
        for line in lines:
            offset = _margin_offset(line, size)
            if offset is not None:
                seen[_key(line)].append(offset)
    is_short = len(pages) <= _SHORT_DOCUMENT_PAGES
    wanted = _MIN_PAGES_OF_SHORT if is_short else _MIN_PAGES
    return {
        key: list(_recurring(offsets, wanted))
        for key, offsets in seen.items()
        if len(offsets) >= wanted
    }


def _recurring(offsets: Sequence[float], wanted: int) -> Iterator[float]:
    """Yields the distances that at least so many pages share."""
    buckets = Counter(round(offset / _SAME_POSITION_POINTS) for offset in offsets)
    for bucket, count in buckets.items():
        if count + buckets[bucket + 1] + buckets[bucket - 1] >= wanted:
            yield bucket * _SAME_POSITION_POINTS


def _is_running(line: Line, size: PageSize, offsets: dict[str, list[float]]) -> bool:
    offset = _margin_offset(line, size)
    # "Table 1 (continued)" recurs at the top of consecutive pages, but is a caption.
    if offset is None or caption_label(line.text):
        return False
    may_be_number = abs(offset) < size.height * _NUMBER_MARGIN
    is_short = len(line.text) <= _MAX_NUMBER_LENGTH
    if may_be_number and is_short and _PAGE_NUMBER.fullmatch(line.text):
        return True
    tolerance = _POSITION_TOLERANCE * _SAME_POSITION_POINTS
    return any(abs(offset - known) <= tolerance for known in offsets.get(_key(line), ()))


def _without_line_numbers(lines: list[Line]) -> list[Line]:
    """Returns the page's lines without line numbers, whether these stand separately left or right
    of the text or at the beginning of its lines.

    Separate numbers count from ten on, or from four on if they rise by one step from line to line.
    """
    texts = [line for line in lines if len(line.text) > _LONG_LINE_LENGTH]
    if not texts:
        return lines
    numbers = [line for line in lines if _NUMBER.fullmatch(line.text)]
    dropped: set[int] = set()
    if len(numbers) >= _MIN_NUMBERS_IN_STEPS:
        left = min(line.x0 for line in texts)
        right = max(line.x1 for line in texts)
        dropped |= _column_of([n for n in numbers if n.x1 <= left + _OUTSIDE_POINTS], texts)
        dropped |= _column_of([n for n in numbers if n.x0 >= right - _OUTSIDE_POINTS], texts)
    kept = [line for line in lines if id(line) not in dropped]
    _cut_leading_numbers([line for line in kept if len(line.text) > _LONG_LINE_LENGTH])
    return kept


def _column_of(beside: Sequence[Line], texts: Sequence[Line]) -> set[int]:
    """Returns the `id`s of the numbers that stand one below the other beside lines of text."""
    if len(beside) < _MIN_NUMBERS_IN_STEPS:
        return set()
    edge = median(line.x1 for line in beside)
    column = sorted(
        (line for line in beside if abs(line.x1 - edge) < _SAME_EDGE_POINTS),
        key=lambda line: line.base,
    )
    if len(column) < _MIN_NUMBERS and not _rises_by_one_step([int(line.text) for line in column]):
        return set()
    bases = sorted(line.base for line in texts)
    if bases[-1] < column[0].base or column[-1].base < bases[0]:
        return set()
    return {id(line) for line in column}


def _rises_by_one_step(numbers: Sequence[int]) -> bool:
    """True if the numbers rise by a constant step of 1, 2, 5 or 10."""
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) >= _MIN_NUMBERS_IN_STEPS and len(steps) == 1 and steps <= _STEPS


def _cut_leading_numbers(texts: Sequence[Line]) -> None:
    """Removes the numbers that begin lines, if nearly all lines begin with one and they rise."""
    if len(texts) < _MIN_NUMBERS:
        return
    found = [(line, leading) for line in texts if (leading := _LEADING_NUMBER.match(line.text))]
    if len(found) < max(_MIN_NUMBERS, _GLUED_SHARE * len(texts)):
        return
    numbers = [int(leading[1]) for _, leading in found]
    risen = sum(1 for before, after in pairwise(numbers) if 0 < after - before <= _MAX_RISE)
    if risen < _GLUED_SHARE * (len(numbers) - 1):
        return
    for line, leading in found:
        line.x0 += (line.x1 - line.x0) * leading.end() / len(line.text)
        line.text = line.text[leading.end() :]
        line.lead = line.lead[leading.end() :] if line.lead else ""
