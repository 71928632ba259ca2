"""The kinds of blocks: footnotes, equations, code and asides are separated from the body."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.papers import BlockKind, Paper
from extraction.text.mupdf import pymupdf
from tests.extraction_harness import read_text_layer
from tests.pdf_builder.canvas import HEIGHT
from tests.pdf_builder.pages import COLUMN, LEFT, RIGHT, TOP, Piece, make_pdf, prose

TITLE = Piece(LEFT, 60, "The Growth of Made Pages under Light", 18, "tibo")


@pytest.fixture
def read(read: Callable[..., Paper]) -> Callable[..., Paper]:
    """Returns a function that reads the text layer of pages with these lines."""
    return lambda *pages, rotation=0: read(make_pdf(pages, rotation))


def of_kind(paper: Paper, kind: BlockKind) -> list[str]:
    return [block.text for block in paper.blocks if block.kind is kind]


def test_paragraphs_join_halves_across_footnote_and_caption(read) -> None:
    first = prose(LEFT, TOP, 50)
    second = prose(RIGHT, TOP + 60, 40)
    first[-1] = first[-1]._replace(text="and here the sentence goes on")
    second[0] = second[0]._replace(text="behind the note and the figure of")
    note = [
        Piece(LEFT, 730, "1", 5.5),
        Piece(LEFT + 4, 733, "See the manual of the flask for its size and weight.", 8),
    ]
    caption = [Piece(RIGHT, TOP, "Figure 1. A flask under a lamp.", 9)]
    paper = read([TITLE, *first, *note, *caption, *second])
    (whole,) = [text for text in of_kind(paper, BlockKind.TEXT) if "goes on" in text]
    assert "the sentence goes on behind the note" in whole
    assert of_kind(paper, BlockKind.FOOTNOTE) == [
        "1 See the manual of the flask for its size and weight."
    ]
    assert of_kind(paper, BlockKind.CAPTION) == ["Figure 1. A flask under a lamp."]


def test_footnotes_exclude_reference_entries_with_superscript_numbers(read) -> None:
    names = ("A. Smith", "B. Jones", "C. Young", "D. Brown", "E. Clark", "F. Adams")
    entries = [f"{name}, Phys. Rev. B {n}, 10{n} (199{n})." for n, name in enumerate(names, 1)]
    printed = [
        piece
        for n, entry in enumerate(entries, 1)
        for piece in (
            Piece(RIGHT, 617 + 14 * n, str(n), 5.5),
            Piece(RIGHT + 4, 620 + 14 * n, entry, 8),
        )
    ]
    note = [
        Piece(LEFT, 727, "a)", 5.5),
        Piece(LEFT + 6, 730, "Electronic mail: ada@example.org, for the flask and its light.", 8),
    ]
    paper = read([TITLE, *prose(LEFT, TOP, 50), *note, *prose(RIGHT, TOP, 42), *printed])
    found = of_kind(paper, BlockKind.REFERENCE)
    assert [text.lstrip("0123456789 ") for text in found] == entries
    assert len(paper.references) == len(entries)
    assert paper.references[0].year == 1991


def test_display_equation_is_one_block_with_its_number(read) -> None:
    above = prose(LEFT, TOP, 6, width=480)
    below = prose(LEFT, TOP + 110, 6, width=480)
    equation = [
        Piece(230, TOP + 88, "E = m c + p / 2", 10, "tiit"),
        Piece(508, TOP + 88, "(3)", 10),
    ]
    paper = read([TITLE, *above, *equation, *below])
    assert of_kind(paper, BlockKind.EQUATION) == ["E = m c + p / 2 (3)"]
    assert [b.kind for b in paper.blocks][-3:] == [
        BlockKind.TEXT,
        BlockKind.EQUATION,
        BlockKind.TEXT,
    ]


def test_sentence_with_number_in_brackets_is_not_an_equation(read) -> None:
    lines = prose(LEFT, TOP, 6, width=480)
    lines[3] = lines[3]._replace(
        text="so that the mean = 3.2 follows from the earlier result in (3)"
    )
    assert of_kind(read([TITLE, *lines]), BlockKind.EQUATION) == []


def test_code_listing_keeps_its_indentation(read) -> None:
    code = [
        Piece(LEFT, TOP + 90, "def grow(flask):", 9, "cour"),
        Piece(LEFT + 4 * 5.4, TOP + 101, "return flask.volume * 2", 9, "cour"),
    ]
    text = prose(LEFT, TOP, 6, width=480) + prose(LEFT, TOP + 130, 6, width=480)
    paper = read([TITLE, *text, *code])
    assert of_kind(paper, BlockKind.CODE) == ["def grow(flask):\n    return flask.volume * 2"]


def test_algorithm_steps_are_code(read) -> None:
    steps = ["Input: a flask", "1: for each hour do", "2:   measure light", "3: end for"]
    lines = [Piece(LEFT, TOP + 100 + 12 * n, step) for n, step in enumerate(steps)]
    caption = Piece(LEFT, TOP + 86, "Algorithm 1 Growing", 10, "tibo")
    paper = read([TITLE, *prose(LEFT, TOP, 6), caption, *lines])
    (code,) = of_kind(paper, BlockKind.CODE)
    assert code.split("\n")[1] == "1: for each hour do"
    assert of_kind(paper, BlockKind.CAPTION) == ["Algorithm 1 Growing"]


def test_asides_hold_publisher_boilerplate_after_the_page_body(
    read,
) -> None:
    imprint = [
        Piece(LEFT, 690, "Received: 3 May 2019; Accepted: 9 June 2019", 8),
        Piece(LEFT, 710, "*Correspondence: ada@example.org", 8),
        Piece(LEFT, 730, "© 2019 The Authors. Licensed under Creative Commons.", 8),
    ]
    first = prose(LEFT, TOP, 40)
    second = prose(RIGHT, TOP, 40)
    paper = read(
        [Piece(LEFT, 30, "Journal of Flasks 12 (2019)", 9), TITLE, *first, *imprint, *second]
    )
    asides = of_kind(paper, BlockKind.ASIDE)
    assert len(asides) == 4
    kinds = [block.kind for block in paper.blocks]
    assert kinds[-4:] == [BlockKind.ASIDE] * 4
    assert not any("Correspondence" in text for text in of_kind(paper, BlockKind.TEXT))


def test_asides_include_side_bar_of_first_page(read) -> None:
    bar = [
        Piece(40, 200 + 12 * n, text, 7.5)
        for n, text in enumerate(["Open flasks", "Editor: G. Hopper", "Published by", "the makers"])
    ]
    body = prose(180, TOP, 40, width=360)
    paper = read([TITLE._replace(x=180, size=15), *body, *bar])
    assert "Editor: G. Hopper" in " ".join(of_kind(paper, BlockKind.ASIDE))
    assert "Open flasks" not in " ".join(of_kind(paper, BlockKind.TEXT))


def test_reading_order_separates_abstract_from_dates_beside_it(read) -> None:
    dates = [
        Piece(LEFT, 150 + 11.3 * n, text, 8)
        for n, text in enumerate(
            [
                "Article history:",
                "Received May 2019",
                "Accepted June",
                "Keywords:",
                "light",
                "flask",
            ]
        )
    ]
    abstract = [Piece(190, 135, "Abstract", 10, "tibo"), *prose(190, 150, 9, width=355)]
    columns = [*prose(LEFT, 300, 36), *prose(RIGHT, 300, 36)]
    paper = read([TITLE, *dates, *abstract, *columns])
    (whole,) = [
        block for block in paper.blocks if block.lines[0][1].y0 > 138 and len(block.lines) == 9
    ]
    assert whole.boxes[0].x0 == pytest.approx(190, abs=1)
    assert "Received" not in whole.text


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_footnote_boxes_follow_page_rotation(read, rotation: int) -> None:
    note = Piece(LEFT, 740, "* Present address: The Flask Works, Light Street", 8)
    paper = read([TITLE, *prose(LEFT, TOP, 40, width=480), note], rotation=rotation)
    (block,) = [b for b in paper.blocks if b.text.startswith("* Present")]
    box = block.boxes[0]
    height = {0: box.y1, 90: paper.pages[0].width - box.x0, 180: HEIGHT - box.y0, 270: box.x1}
    assert height[rotation] == pytest.approx(742, abs=3)


def test_right_to_left_text_is_stored_in_logical_order(tmp_path: Path) -> None:
    document = pymupdf.open()
    text = "זהו טקסט בעברית שנכתב לבדיקה של סדר הקריאה ובו גם מילים נוספות. "
    page = document.new_page()
    for left, name in ((50, "שמאלי"), (310, "ימני")):
        page.insert_htmlbox(
            (left, 60, left + 235, 700), f'<p dir="rtl">עמוד {name} {text * 12}</p>'
        )
    path = tmp_path / "hebrew.pdf"
    document.save(path)
    whole = " ".join(block.text for block in read_text_layer(path).blocks)
    assert "שנכתב לבדיקה של סדר הקריאה" in whole
    assert whole.index("ימני") < whole.index("שמאלי")


def test_column_width_of_test_pages_fits_prose() -> None:
    assert LEFT + COLUMN < RIGHT
