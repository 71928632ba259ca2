"""The printed lines of a page: text, place and type, all measured with the text upright."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from domain.papers import Box, PageSize
from extraction.geometry import Rect, quarter_turns, rect_of, rotate, rotate_back
from extraction.text.clean import clean_text
from extraction.text.mupdf import pymupdf

# Without TEXT_PRESERVE_IMAGES, which copies all image bytes (12 ms a page instead of 2), and
# without TEXT_PRESERVE_LIGATURES, so that ligatures come spelled out.
_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP

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

RAISED = "\u241f"  # stands in `Line.unraised` for what was printed above the base line

_WHITE = 0xFFFFFF
_SUPERSCRIPT, _ITALIC, _BOLD = 1, 2, 16
_SMALLER, _HIGHER = 0.9, 0.12  # times the size of the line's main type: what is raised
_ACCENT_MARKS = "´`¨ˆ˜ˇ˚¸.^~"
_STYLE_ENDING = re.compile(r"(?:ps|mt|bold|italic|ital|oblique|regular|(?<=[a-z]{3})\d{1,2})$")
_LONGEST_ENDING = 8  # "oblique" has 7 letters, two digits behind three letters are 5


@dataclass(slots=True, eq=False)
class Line:
    """A printed line, or a part of one. x and y grow rightwards and downwards for its reader.

    `base` is the y of the base line. `turn` counts the quarter turns (clockwise) of the text on the
    page as shown; `box` undoes them. `lead` is the text of a beginning that is bold or italic where
    the rest of the line is not. `part` numbers the column pieces of the page. `unraised` is the
    text with RAISED for each run of small raised characters (marks of authors, exponents), empty
    when there are none.
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
    turn: int = 0
    part: int = 0
    unraised: str = ""

    @property
    def box(self) -> Box:
        """Where the line stands on the page as shown."""
        x0, y0, x1, y1 = rotate_back(rect_of(self), self.turn)
        return Box(self.page, round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1))

    @property
    def is_upper(self) -> bool:
        """True when all its letters are capitals."""
        return self.text.isupper()


def page_size(page: Any, number: int) -> PageSize:
    """Width and height of the page as shown."""
    return PageSize(number, round(page.rect.width, 2), round(page.rect.height, 2))


def page_lines(page: Any, number: int) -> list[Line]:
    """The lines of a page in the order the file draws them. Raises what MuPDF raises for a page it
    cannot read."""
    content = page.get_text("dict", flags=_FLAGS)
    shown = page.rotation_matrix if page.rotation else None
    lines: list[Line] = []
    white: list[Line] = []
    seen: set[tuple[str, int, int]] = set()
    for raw in (raw for block in content["blocks"] for raw in block.get("lines", ())):
        line = _line(raw, number, shown)
        if line is None or (key := (line.text, round(line.x0), round(line.base))) in seen:
            continue  # printed twice at one place, which some programs do for bold type
        seen.add(key)
        if all(span["color"] == _WHITE for span in raw["spans"]):
            white.append(line)
        elif lines and _continues(lines[-1], line):
            _extend(lines[-1], line)
        else:
            lines.append(line)
    return lines + _visible(white, lines) if white else lines


def _line(raw: dict[str, Any], number: int, shown: Any) -> Line | None:
    spans = raw["spans"]
    text = clean_text(_text_of(spans))
    if not text:
        return None
    x0, y0, x1, y1 = raw["bbox"]
    across, up = raw["dir"]
    main = spans[0] if len(spans) == 1 else _main_span(spans)
    origin_x, origin_y = main["origin"]
    if shown is not None:
        x0, y0, x1, y1 = pymupdf.Rect(x0, y0, x1, y1) * shown
        origin_x, origin_y = pymupdf.Point(origin_x, origin_y) * shown
        across, up = across * shown.a + up * shown.c, across * shown.b + up * shown.d
    turn = quarter_turns(across, up)
    place = rotate(Rect(x0, y0, x1, y1), turn)
    base = rotate(Rect(origin_x, origin_y, origin_x, origin_y), turn).y0
    place = _without_empty_height(place, base, main["size"])
    bold, italic, lead, lead_is_bold = _styles(spans)
    return Line(
        text,
        number,
        *place,
        main["size"],
        base,
        main["font"],
        bold,
        italic,
        lead,
        lead_is_bold,
        turn,
        unraised=_unraised(spans, main) if len(spans) > 1 and raw["dir"][0] > 0.9 else "",
    )


def _unraised(spans: list[dict[str, Any]], main: dict[str, Any]) -> str:
    """The spans' text with RAISED for the raised ones, empty when there are none."""
    size, base = main["size"], main["origin"][1]
    raised = [
        span["size"] < _SMALLER * size
        and base - span["origin"][1] > _HIGHER * size
        # An accent that is printed by itself stands high too; it belongs to its letter.
        and not (len(span["text"].strip()) == 1 and span["text"].strip() in _ACCENT_MARKS)
        for span in spans
    ]
    if not any(raised):
        return ""
    parts = [RAISED if up else span["text"] for span, up in zip(spans, raised, strict=True)]
    return clean_text("".join(parts))


def _visible(white: list[Line], lines: list[Line]) -> list[Line]:
    """White lines that stand on a coloured ground, not those hidden by other text."""
    if len(white) * len(lines) > 200_000:
        return []
    return [line for line in white if not any(_covers(other, line) for other in lines)]


def _covers(other: Line, line: Line) -> bool:
    across = min(other.x1, line.x1) - max(other.x0, line.x0)
    down = min(other.y1, line.y1) - max(other.y0, line.y0)
    return across > 0 and down > 0.3 * min(line.y1 - line.y0, other.y1 - other.y0)


def _main_span(spans: list[dict[str, Any]]) -> dict[str, Any]:
    """The first span in the type that prints most of the line."""
    weights: dict[tuple[str, float], int] = {}
    for span in spans:
        key = (span["font"], span["size"])
        weights[key] = weights.get(key, 0) + (0 if span["text"].isspace() else len(span["text"]))
    most = max(weights, key=lambda key: weights[key])
    return next(span for span in spans if (span["font"], span["size"]) == most)


@lru_cache(maxsize=4096)
def font_family(font: str) -> str:
    """The font's name without subset tag, style and number: "ABCDEF+Minion-Bold2" is "minion"."""
    name = re.split(r"[-,]", font.rsplit("+", 1)[-1], maxsplit=1)[0].lower()
    family = name
    while ending := _STYLE_ENDING.search(family[-_LONGEST_ENDING:]):
        family = family[: -len(ending[0])]
    return family or name


@lru_cache(maxsize=4096)
def _style(flags: int, font: str) -> tuple[bool, bool]:
    """Bold and italic, by MuPDF's flags or by the font's name."""
    name = font.rsplit("+", 1)[-1].lower()
    bold = flags & _BOLD or any(word in name for word in _BOLD_NAMES) or name.endswith(_BOLD_ENDS)
    italic = flags & _ITALIC or any(word in name for word in ("ital", "obli", "slant", "cmti"))
    return bool(bold), bool(italic)


def _text_of(spans: list[dict[str, Any]]) -> str:
    """The spans side by side; a raised number after a word stands apart from it ("virus 12",
    "10^9")."""
    if len(spans) == 1:
        return spans[0]["text"]
    parts: list[str] = []
    last = ""
    for span in spans:
        text = span["text"]
        if span["flags"] & _SUPERSCRIPT and text[:1].isdigit() and last:
            parts.append(_before_raised(last))
        parts.append(text)
        last = text or last
    return "".join(parts)


def _before_raised(before: str) -> str:
    if before[-1].isdigit():
        return "^"
    word = before.rsplit(None, 1)[-1] if before.strip() else ""
    return " " if len(word) > 3 or before[-1] in ".,;:)" else ""


def _styles(spans: list[dict[str, Any]]) -> tuple[bool, bool, str, bool]:
    """Whether (nearly) all of the line is bold, or italic; else the text of its first spans if
    those are, and if bold."""
    letters = bold = italic = behind = alike = 0
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
        # In a bold lead the italics (names of species) don't count.
        same = style[0] if first[0] else style == first
        whole = whole and same
        if whole:
            taken.append(text)
        else:
            behind += len(text)
            alike += len(text) * same
    # One that comes again is no lead: a sign or a name is set in other type within it.
    is_lead = not whole and first is not None and any(first) and 2 * alike < behind
    lead = clean_text("".join(taken)) if is_lead else ""
    return bold > 0.85 * letters, italic > 0.85 * letters, lead, bool(first and first[0])


def _without_empty_height(
    place: tuple[float, float, float, float], base: float, size: float
) -> tuple[float, float, float, float]:
    """The place without the air that some (mathematical) fonts claim around their letters."""
    x0, y0, x1, y1 = place
    return x0, max(y0, min(base - 1.05 * size, y1)), x1, min(y1, max(base + 0.35 * size, y0))



def cut_line(line: Line, length: int) -> tuple[Line, Line]:
    """The line as two: its first `length` characters, in the type of its lead, and the rest."""
    middle = line.x0 + (line.x1 - line.x0) * length / len(line.text)
    head = replace(line, text=line.text[:length].strip(), x1=middle, lead="")
    tail = replace(
        line, text=line.text[length:].strip(), x0=middle, lead="", bold=False, italic=False
    )
    return head, tail



def _continues(before: Line, line: Line) -> bool:
    """True when both are parts of one printed line that MuPDF broke at a wide space."""
    if before.turn != line.turn or len(before.text) > 2000:  # else quadratic for a made-up page
        return False
    height = min(before.y1 - before.y0, line.y1 - line.y0)
    overlap = min(before.y1, line.y1) - max(before.y0, line.y0)
    gap = line.x0 - before.x1
    return overlap > 0.6 * height and -0.3 * line.size < gap < 0.8 * max(line.size, before.size)


def _extend(line: Line, other: Line) -> None:
    """Append the other line to the right of the first one."""
    line.lead, line.lead_is_bold = lead_of([line, other])
    line.unraised = _joined_unraised(line, other)
    if len(other.text) > len(line.text):
        line.size, line.font, line.base = other.size, other.font, other.base
    line.bold, line.italic = line.bold and other.bold, line.italic and other.italic
    line.text = f"{line.text} {other.text}"
    line.x0, line.x1 = min(line.x0, other.x0), max(line.x1, other.x1)
    line.y0, line.y1 = min(line.y0, other.y0), max(line.y1, other.y1)


def lead_of(pieces: Sequence[Line]) -> tuple[str, bool]:
    """What a printed line in pieces begins with in bold, or in italics, and if it is bold; "" when
    it does not or when all of it is."""
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


def _joined_unraised(line: Line, other: Line) -> str:
    left, right = _is_raised(line, other), _is_raised(other, line)
    if not (left or right or line.unraised or other.unraised):
        return ""
    first = RAISED if left else line.unraised or line.text
    return f"{first} {RAISED if right else other.unraised or other.text}"


def _is_raised(line: Line, beside: Line) -> bool:
    return line.size < _SMALLER * beside.size and beside.base - line.base > _HIGHER * beside.size
