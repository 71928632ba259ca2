"""The printed lines of a page: text, position and font, all measured with the text upright."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Annotated, Any

from pydantic import Field

from domain.papers import Box, PageSize
from extraction.geometry import (
    Matrix,
    Rect,
    overlap_x,
    overlap_y,
    quarter_turns,
    rect_of,
    rotate,
    rotate_back,
    transformed,
    union,
)
from extraction.text.assembly import assembled
from extraction.text.clean import clean_text
from extraction.text.drawn import DrawnPage, drawn_page, rotation_of
from extraction.text.marks import SUPERSCRIPT_MARK
from extraction.text.pieces import SCRIPT_RISE, SCRIPT_SIZE, Piece, Span, is_script, rise_of

_BOLD_NAMES = (
    "bold",
    "black",
    "heavy",
    "semib",
    "demi",
    "-bd",
    ".b+",
    "cmbx",
    "nimbusromno9l-medi",
)
_BOLD_ENDS = (".b", "-b", "-sb", "-medi")

_WIDE_SPACE = "   "  # separates names that stand side by side
_SUPERSCRIPT, _ITALIC, _BOLD = 1, 2, 16  # bits of MuPDF's span flags
_ACCENT_MARKS = "´`¨ˆ˜ˇ˚¸.^~"
_NUMBER, _CHARGE = re.compile(r"[-−–+]?\d"), re.compile(r"\d?[-−–+](?!\d)")
_STYLE_ENDING = re.compile(r"(?:ps|mt|bold|italic|ital|oblique|regular|(?<=[a-z]{3})\d{1,2})$")
_MAX_ENDING_LENGTH = 8  # "oblique" has 7 letters; two digits after three letters are 5

# Heuristics, in type sizes unless another unit is given.
_MIN_WORD_LENGTH = 4  # characters; a number raised after a shorter "word" is an exponent
_STYLED_SHARE = 0.85  # of a line's characters: then the whole line counts as bold or italic
# Height above and below the base line that letters need; more is empty space claimed by the font.
_MAX_ASCENT, _MAX_DESCENT = 1.05, 0.35
# Pieces of one printed line: common share of the lower one's height, and the range of the gap
# between them.
_MIN_COMMON_HEIGHT, _MIN_GAP, _MAX_GAP = 0.6, -0.3, 0.8
_HIDDEN_HEIGHT = 0.3  # share of a white line's height; text over that much of it hides it
# Bounds of quadratic work on made-up pages.
_MAX_JOINED_LENGTH = 2000  # characters
_MAX_WHITE_PAIRS = 200_000  # pairs of a white and another line
_CACHED_FONTS = 4096  # font names of a process that are kept with their style


@dataclass(slots=True, eq=False)
class Line:
    """A printed line, or a part of one. x grows rightwards and y downwards, with the text upright.

    `base` is the y of the base line. `rotation` counts the clockwise quarter turns of the text on
    the page as shown; `box` undoes them. `lead` is the text at the beginning of the line that is
    bold or italic, if the rest of the line is not. `part` is the number of the column piece on the
    page. `text_with_superscript_marks` is the text with SUPERSCRIPT_MARK for each run of
    superscript characters (author marks, exponents), empty if there are none. The OCR cache stores
    two fields under their earlier names.
    """

    text: str
    page: int
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    base: float
    font: str = ""
    bold: bool = False
    italic: bool = False
    lead: str = ""
    lead_is_bold: bool = False
    rotation: Annotated[int, Field(alias="turn")] = 0
    part: int = 0
    text_with_superscript_marks: Annotated[str, Field(alias="unraised")] = ""

    @property
    def box(self) -> Box:
        """The bounding box of the line on the page as shown."""
        x0, y0, x1, y1 = self.x0, self.y0, self.x1, self.y1
        if self.rotation:
            x0, y0, x1, y1 = rotate_back(rect_of(self), self.rotation)
        return Box(self.page, round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1))

    @property
    def marked_text(self) -> str:
        """The text with SUPERSCRIPT_MARK for each run of superscript characters."""
        return self.text_with_superscript_marks or self.text

    @property
    def family(self) -> str:
        """The name of the font without subset tag, style and number."""
        return font_family(self.font)

    @property
    def half_points(self) -> float:
        """The type size in points, rounded to half points."""
        return round(self.size * 2) / 2

    @property
    def is_upper(self) -> bool:
        """True if all letters of the line are capitals."""
        return self.text.isupper()


def page_size(page: Any, number: int) -> PageSize:
    """Returns width and height of the page as shown, in points."""
    return PageSize(number, round(page.rect.width, 2), round(page.rect.height, 2))


def page_lines(page: Any, number: int, drawn: DrawnPage | None = None) -> list[Line]:
    """Returns the lines of a page in the order in which the file draws them. `drawn` is what the
    page draws, if it is known. Raises what MuPDF raises for a page that it cannot read."""
    shown = rotation_of(page)
    lines: list[Line] = []
    white: list[Line] = []
    seen: set[tuple[str, int, int]] = set()
    for piece in assembled(drawn or drawn_page(page)):
        line = _line(piece, number, shown)
        if line is None or (key := (line.text, round(line.x0), round(line.base))) in seen:
            continue  # printed twice at one position: some programs imitate bold type that way
        seen.add(key)
        if piece.is_white:
            white.append(line)
        elif lines and _continues(lines[-1], line):
            _extend(lines[-1], line)
        else:
            lines.append(line)
    return lines + _visible(white, lines) if white else lines


def _line(piece: Piece, number: int, shown: Matrix | None) -> Line | None:
    spans, main = piece.spans, piece.main
    has_superscripts = len(spans) > 1 and _may_have_superscripts(piece)
    text = clean_text(_text_of(piece) if has_superscripts else piece.text)
    has_marks = has_superscripts or _WIDE_SPACE in piece.text
    if not text:
        return None
    x0, y0, x1, y1 = piece.bbox
    across, up = piece.direction
    origin_x, origin_y = main["origin"]
    if shown is not None:
        x0, y0, x1, y1 = transformed((x0, y0, x1, y1), shown)
        origin_x, origin_y, _, _ = transformed((origin_x, origin_y) * 2, shown)
        a, b, c, d, _, _ = shown
        across, up = across * a + up * c, across * b + up * d
    rotation = quarter_turns(across, up)
    base = rotate(Rect(origin_x, origin_y, origin_x, origin_y), rotation).y0
    box = _without_empty_space(rotate(Rect(x0, y0, x1, y1), rotation), base, main["size"])
    bold, italic, lead, lead_is_bold = _styles(spans)
    return Line(
        text,
        number,
        *box,
        main["size"],
        base,
        main["font"],
        bold,
        italic,
        lead,
        lead_is_bold,
        rotation,
        text_with_superscript_marks=_with_superscript_marks(piece) if has_marks else "",
    )


def _with_superscript_marks(piece: Piece) -> str:
    """Returns the text with SUPERSCRIPT_MARK for superscript spans and for several spaces; "" if
    there are none."""
    superscript = [_is_raised(span, piece) for span in piece.spans]
    if not any(superscript) and _WIDE_SPACE not in piece.text:
        return ""
    parts = [
        SUPERSCRIPT_MARK
        if is_superscript
        else span["text"].replace(_WIDE_SPACE, f" {SUPERSCRIPT_MARK} ")
        for span, is_superscript in zip(piece.spans, superscript, strict=True)
    ]
    return clean_text("".join(parts))


def _is_raised(span: Span, piece: Piece) -> bool:
    if span["size"] >= SCRIPT_SIZE * piece.size:
        return False
    # An accent that is printed separately is high too; it belongs to its letter.
    text = span["text"].strip()
    is_accent = len(text) == 1 and text in _ACCENT_MARKS
    return not is_accent and rise_of(span, piece.main, piece.direction) > SCRIPT_RISE


def _visible(white: list[Line], lines: list[Line]) -> list[Line]:
    """Returns the white lines that stand on a coloured background; other text hides the rest."""
    if len(white) * len(lines) > _MAX_WHITE_PAIRS:
        return []
    return [line for line in white if not any(_covers(other, line) for other in lines)]


def _covers(other: Line, line: Line) -> bool:
    height = min(line.y1 - line.y0, other.y1 - other.y0)
    return overlap_x(other, line) > 0 and overlap_y(other, line) > _HIDDEN_HEIGHT * height


@lru_cache(maxsize=_CACHED_FONTS)
def font_family(font: str) -> str:
    """Returns the font's name without subset tag, style and number.

    "ABCDEF+Minion-Bold2" becomes "minion".
    """
    name = re.split(r"[-,]", font.rsplit("+", 1)[-1], maxsplit=1)[0].lower()
    family = name
    while ending := _STYLE_ENDING.search(family[-_MAX_ENDING_LENGTH:]):
        family = family[: -len(ending[0])]
    return family or name


@lru_cache(maxsize=_CACHED_FONTS)
def _style(flags: int, font: str) -> tuple[bool, bool]:
    """Returns whether the font is bold, and whether it is italic, by MuPDF's flags or its name."""
    name = font.rsplit("+", 1)[-1].lower()
    bold = flags & _BOLD or any(word in name for word in _BOLD_NAMES) or name.endswith(_BOLD_ENDS)
    italic = flags & _ITALIC or any(word in name for word in ("ital", "obli", "slant", "cmti"))
    return bool(bold), bool(italic)


def _text_of(piece: Piece) -> str:
    """Returns the text of the spans side by side; a superscript number after a word is set apart
    from it ("virus 12", "10^9", "10^−9")."""
    parts: list[str] = []
    last: Span | None = None
    for is_high, run in groupby(piece.spans, lambda span: _is_high(span, piece)):
        spans = list(run)
        text = "".join(span["text"] for span in spans)
        if is_high and last is not None and not is_script(last, piece.main, piece.direction):
            parts.append(_superscript_separator(last["text"], text))
        parts.append(text)
        last = next((span for span in reversed(spans) if span["text"]), last)
    return "".join(parts)


def _may_have_superscripts(piece: Piece) -> bool:
    limit = SCRIPT_SIZE * piece.size
    return any(span["size"] < limit or span["flags"] & _SUPERSCRIPT for span in piece.spans)


def _is_high(span: Span, piece: Piece) -> bool:
    """True for a superscript, which may be as large as the text beside it."""
    if not span["flags"] & _SUPERSCRIPT:
        return _is_raised(span, piece)
    return rise_of(span, piece.main, piece.direction) > 0


def _superscript_separator(before: str, text: str) -> str:
    """Returns what separates a superscript from the text before it."""
    if not _NUMBER.match(text):
        return ""
    if before[-1].isdigit():
        return "^"
    word = before.rsplit(None, 1)[-1] if before.strip() else ""
    is_apart = len(word) >= _MIN_WORD_LENGTH or before[-1] in ".,;:)"
    return " " if is_apart and text[0].isdigit() and not _CHARGE.match(text) else ""


def _styles(spans: list[dict[str, Any]]) -> tuple[bool, bool, str, bool]:
    """Returns whether (nearly) all of the line is bold or italic; else the text of its first spans
    if they are, and whether that is bold."""
    letters = bold = italic = after_lead = alike = 0
    taken: list[str] = []
    first: tuple[bool, bool] | None = None
    whole = True
    for span in spans:
        text = span["text"]
        if text.isspace():
            taken.append(text)
            continue
        style = _style(span["flags"], span["font"])
        letters += len(text)
        bold += len(text) * style[0]
        italic += len(text) * style[1]
        first = first or style
        # Italics in a bold lead (names of species) do not count.
        same = style[0] if first[0] else style == first
        whole = whole and same
        if whole:
            taken.append(text)
        else:
            after_lead += len(text)
            alike += len(text) * same
    # A style that recurs later in the line is no lead: a name in another style interrupts it.
    is_lead = not whole and first is not None and any(first) and 2 * alike < after_lead
    lead = clean_text("".join(taken)) if is_lead else ""
    styled = _STYLED_SHARE * letters
    return bold > styled, italic > styled, lead, bool(first and first[0])


def _without_empty_space(box: Rect, base: float, size: float) -> Rect:
    """Returns the box without the empty space that (mathematical) fonts claim around letters."""
    top = max(box.y0, min(base - _MAX_ASCENT * size, box.y1))
    return Rect(box.x0, top, box.x1, min(box.y1, max(base + _MAX_DESCENT * size, box.y0)))


def cut_line(line: Line, length: int) -> tuple[Line, Line]:
    """Returns the first `length` characters of the line, in the style of its lead, and the rest."""
    middle = line.x0 + (line.x1 - line.x0) * length / len(line.text)
    head = replace(line, text=line.text[:length].strip(), x1=middle, lead="")
    tail = replace(
        line, text=line.text[length:].strip(), x0=middle, lead="", bold=False, italic=False
    )
    return head, tail


def _continues(before: Line, line: Line) -> bool:
    """True if both are parts of one printed line that MuPDF split at a wide space."""
    if before.rotation != line.rotation or len(before.text) > _MAX_JOINED_LENGTH:
        return False
    height = min(before.y1 - before.y0, line.y1 - line.y0)
    max_gap = _MAX_GAP * max(line.size, before.size)
    is_near = _MIN_GAP * line.size < line.x0 - before.x1 < max_gap
    return is_near and overlap_y(before, line) > _MIN_COMMON_HEIGHT * height


def _extend(line: Line, other: Line) -> None:
    """Appends the other line to the right of the first one."""
    line.lead, line.lead_is_bold = lead_of([line, other])
    line.text_with_superscript_marks = _joined_with_marks(line, other)
    if len(other.text) > len(line.text):
        line.size, line.font, line.base = other.size, other.font, other.base
    line.bold, line.italic = line.bold and other.bold, line.italic and other.italic
    line.text = f"{line.text} {other.text}"
    line.x0, line.y0, line.x1, line.y1 = union((line, other))


def joined(pieces: Sequence[Line], text: str) -> Line:
    """Returns the pieces of a printed line as one line with this text, in the type of the longest;
    it is bold or italic if all pieces are."""
    return replace(
        max(pieces, key=lambda piece: len(piece.text)),
        text=text,
        **union(pieces)._asdict(),
        bold=all(piece.bold for piece in pieces),
        italic=all(piece.italic for piece in pieces),
    )


def lead_of(pieces: Sequence[Line]) -> tuple[str, bool]:
    """Returns the bold or italic beginning of a printed line in pieces, and whether it is bold; ""
    if there is none or if all of the line is bold or italic."""
    first = pieces[0]
    if first.lead or not (first.bold or first.italic):
        return first.lead, first.lead_is_bold
    taken: list[str] = []
    for piece in pieces:
        is_alike = piece.bold if first.bold else (piece.italic and not piece.bold)
        if not is_alike:
            taken += [piece.lead] * (bool(piece.lead) and piece.lead_is_bold == first.bold)
            return " ".join(taken), first.bold
        taken.append(piece.text)
    return "", first.bold


def _joined_with_marks(line: Line, other: Line) -> str:
    left, right = _is_superscript(line, other), _is_superscript(other, line)
    if not (left or right or line.text_with_superscript_marks or other.text_with_superscript_marks):
        return ""
    first = SUPERSCRIPT_MARK if left else line.marked_text
    return f"{first} {SUPERSCRIPT_MARK if right else other.marked_text}"


def _is_superscript(line: Line, beside: Line) -> bool:
    return (
        line.size < SCRIPT_SIZE * beside.size
        and beside.base - line.base > SCRIPT_RISE * beside.size
    )
