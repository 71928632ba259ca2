"""Headings are told from the text, the front and the tables around them; levels and roles fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.papers import Box, Paper, Section, SectionRole
from pipelines.read.columns import column_count
from pipelines.read.lines import Line
from pipelines.read.roles import role_of, with_roles
from pipelines.read.text import read_paper
from tests.papers import LOREM, Part, make_paper
from tests.unit.pipelines.pages import LEFT, TOP, Piece, make_pdf, prose

TITLE = Piece(LEFT, 60, "The Growth of Made Pages under Light", 18, "tibo")
WIDE = 490.0
REFERENCES = [
    f"[{n}] A. B. Flask. Some words of light and glass, part {n}. 2001." for n in range(1, 20)
]


@pytest.fixture
def read(tmp_path: Path):
    def read_bytes(data: bytes) -> Paper:
        path = tmp_path / "paper.pdf"
        path.write_bytes(data)
        return read_paper(path)

    return read_bytes


def titles(paper: Paper) -> list[str]:
    return [section.title for section in paper.sections]


def stacked(*parts: Piece | int) -> list[Piece]:
    """Headings and so many lines of prose under one another."""
    pieces: list[Piece] = []
    y = TOP
    for part in parts:
        if isinstance(part, int):
            pieces += prose(LEFT, y, part, width=WIDE)
            y += 12 * part + 14
        else:
            pieces.append(part._replace(y=y))
            y += 15
    return pieces


def head(text: str, size: float = 10.0, font: str = "tibo", x: float = LEFT) -> Piece:
    return Piece(x, 0, text, size, font)


def test_levels_follow_the_type(read) -> None:
    page = stacked(
        head("Introduction", 13), 4, head("Methods", 13), 3, head("Growing in flasks"), 4,
        head("Measuring light"), 4, head("Results", 13), 4,
    )  # fmt: skip
    paper = read(make_pdf([[TITLE, *page]]))
    assert [(s.title, s.level) for s in paper.sections] == [
        ("Introduction", 1),
        ("Methods", 1),
        ("Growing in flasks", 2),
        ("Measuring light", 2),
        ("Results", 1),
    ]


def test_in_one_type_the_well_known_words_stand_above_the_others(read) -> None:
    page = stacked(
        head("Introduction"), 4, head("Methods"), 3, head("Growing in flasks"), 4,
        head("Results"), 4, head("Light in flasks"), 4,
    )  # fmt: skip
    paper = read(make_pdf([[TITLE, *page]]))
    assert [s.level for s in paper.sections] == [1, 1, 2, 1, 2]


def test_roman_numbers_stand_above_letters(read) -> None:
    page = stacked(
        head("I. INTRODUCTION"), 4, head("II. METHODS"), 3, head("A. Flasks", font="tiit"), 4,
        head("B. Lamps", font="tiit"), 4,
    )  # fmt: skip
    paper = read(make_pdf([[TITLE, *page]]))
    assert [(s.number, s.title, s.level) for s in paper.sections] == [
        ("I", "INTRODUCTION", 1),
        ("II", "METHODS", 1),
        ("A", "Flasks", 2),
        ("B", "Lamps", 2),
    ]


def test_a_heading_of_two_lines_is_one(read) -> None:
    page = stacked(head("Introduction"), 4)
    y = TOP + 90
    page += [
        Piece(
            LEFT,
            y,
            "The effect of light on the growth of made pages that stand in glass",
            10,
            "tibo",
        ),
        Piece(LEFT, y + 12, "flasks by the window", 10, "tibo"),
        *prose(LEFT, y + 26, 5, width=WIDE),
    ]
    paper = read(make_pdf([[TITLE, *page]]))
    assert titles(paper)[1].endswith("that stand in glass flasks by the window")


def test_parts_of_a_structured_abstract_are_text_of_it_up_to_the_introduction(read) -> None:
    page = stacked(
        head("Abstract", 14), head("Background", 10), 3, head("Methods", 10), 3,
        head("Conclusions", 10), 3, head("Introduction", 12), 4, head("Methods", 12), 4,
    )  # fmt: skip
    assert titles(read(make_pdf([[TITLE, *page]]))) == ["Abstract", "Introduction", "Methods"]


def test_words_of_a_table_are_no_headings(read) -> None:
    table = [
        Piece(LEFT, TOP + 82, "Table 1. Growth by flask.", 9),
        Piece(LEFT, TOP + 96, "Flask", 9, "tibo"),
        Piece(LEFT, TOP + 108, "Small ones", 9, "tibo"),
        *[Piece(LEFT, TOP + 120 + 12 * n, f"glass {n} 3.5 4.7", 9) for n in range(4)],
        Piece(LEFT, TOP + 168, "Large ones", 9, "tibo"),
    ]
    page = [*stacked(head("Introduction", 12), 4), *table]
    page += [p._replace(y=p.y + 190) for p in stacked(head("Methods", 12), 5)]
    assert titles(read(make_pdf([[TITLE, *page]]))) == ["Introduction", "Methods"]


def test_words_of_a_figure_at_the_foot_of_a_column_are_no_headings(read) -> None:
    left = [*stacked(head("Introduction", 12))]
    left += prose(LEFT, TOP + 20, 40)
    label = Piece(LEFT, TOP + 530, "Light Dark Dusk", 10, "tibo")
    right = prose(308, TOP, 44)
    right[0] = right[0]._replace(text="and goes on in the middle of a sentence, the")
    assert titles(read(make_pdf([[TITLE, *left, label, *right]]))) == ["Introduction"]


def test_a_thanks_that_runs_in_is_a_section_of_its_role(read) -> None:
    def lead(text: str, y: float) -> list[Piece]:
        return [
            Piece(LEFT, y, text, 10, "tibo"),
            Piece(LEFT + 100, y, "We thank the window and all who kept it clean for", 10),
            Piece(LEFT, y + 12, "us through the winter, when there was so little light.", 10),
        ]

    page = [*stacked(head("Introduction", 12), 6), *lead("Acknowledgments:", TOP + 130)]
    paper = read(make_pdf([[TITLE, *page]]))
    assert [(s.title, s.role) for s in paper.sections] == [
        ("Introduction", SectionRole.BODY),
        ("Acknowledgments", SectionRole.ACKNOWLEDGEMENTS),
    ]


@pytest.mark.parametrize(
    ("title", "role"),
    [
        ("Abstract", SectionRole.ABSTRACT),
        ("REFERENCES AND NOTES", SectionRole.REFERENCES),
        ("Acknowledgments", SectionRole.ACKNOWLEDGEMENTS),
        ("Conflicts of Interest:", SectionRole.BACK_MATTER),
        ("Authors’ contributions", SectionRole.BACK_MATTER),
        ("Data availability statement", SectionRole.BACK_MATTER),
        ("Appendix A: Proofs", SectionRole.APPENDIX),
        ("Results", SectionRole.BODY),
        ("Funding of early schools", SectionRole.BODY),
    ],
)
def test_roles_by_words(title: str, role: SectionRole) -> None:
    assert role_of(title) is role


def test_roles_are_inherited_and_letters_behind_the_references_are_appendices() -> None:
    box = Box(1, 0, 0, 1, 1)
    given = [
        (1, "1", "Introduction"),
        (1, None, "Summary"),
        (1, None, "References"),
        (1, "A", "Proofs"),
        (2, "A.1", "Lemmas"),
    ]
    sections = [
        Section(n, level, number, title, 1, box) for n, (level, number, title) in enumerate(given)
    ]
    assert [section.role for section in with_roles(sections)] == [
        SectionRole.BODY,
        SectionRole.BODY,
        SectionRole.REFERENCES,
        SectionRole.APPENDIX,
        SectionRole.APPENDIX,
    ]


def test_sections_of_a_whole_paper(read) -> None:
    parts = [
        Part("1 Introduction", [LOREM * 2]),
        Part("2 Methods", [LOREM * 2]),
        Part("Funding", [LOREM]),
    ]
    paper = read(make_paper(parts=parts, references=REFERENCES))
    assert [(s.title, s.level, s.role.value) for s in paper.sections] == [
        ("Abstract", 1, "abstract"),
        ("Introduction", 1, "body"),
        ("Methods", 1, "body"),
        ("Funding", 1, "back_matter"),
        ("References", 1, "references"),
    ]


def column(part: int, x0: float, x1: float, lines: int) -> list[Line]:
    text = "words that fill a line of the column"
    return [
        Line(text, 1, x0, 50 + 12 * n, x1, 60 + 12 * n, 10, 60 + 12 * n, part=part)
        for n in range(lines)
    ]


def test_columns_are_counted_without_side_bars() -> None:
    assert column_count([]) == 1
    assert column_count(column(1, 50, 540, 30)) == 1
    assert column_count([*column(1, 50, 290, 30), *column(2, 310, 540, 30)]) == 2
    assert column_count([*column(1, 180, 540, 30), *column(2, 50, 160, 20)]) == 1
    thirds = [*column(1, 50, 200, 30), *column(2, 220, 370, 30), *column(3, 390, 540, 30)]
    assert column_count(thirds) == 3
