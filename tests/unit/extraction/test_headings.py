"""Headings are separated from the text, the front matter and tables; their levels and roles are
right."""

from __future__ import annotations

import pytest

from domain.papers import Box, Paper, Section, SectionRole
from extraction.structure.roles import role_of, with_roles
from extraction.text.columns import column_count
from extraction.text.lines import Line
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.pages import LEFT, TOP, Piece, make_pdf, prose
from tests.pdf_builder.papers import Part, make_paper

TITLE = Piece(LEFT, 60, "The Growth of Made Pages under Light", 18, "tibo")
WIDE = 490.0
REFERENCES = [
    f"[{n}] A. B. Flask. Some words of light and glass, part {n}. 2001." for n in range(1, 20)
]


def titles(paper: Paper) -> list[str]:
    return [section.title for section in paper.sections]


def stacked(*parts: Piece | int) -> list[Piece]:
    """Returns headings, and for each number that many lines of prose, one below the other."""
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


def test_heading_levels_follow_type_size(read) -> None:
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


def test_heading_levels_of_one_style_put_known_words_first(read) -> None:
    page = stacked(
        head("Introduction"), 4, head("Methods"), 3, head("Growing in flasks"), 4,
        head("Results"), 4, head("Light in flasks"), 4,
    )  # fmt: skip
    paper = read(make_pdf([[TITLE, *page]]))
    assert [s.level for s in paper.sections] == [1, 1, 2, 1, 2]


def test_heading_levels_rank_roman_numbers_above_letters(read) -> None:
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


def test_heading_of_two_lines_is_one_section(read) -> None:
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


def test_heading_joins_hanging_indent_after_number(read) -> None:
    heading = [
        Piece(LEFT, TOP + 90, "2. The effect of light on the growth of pages in glass,", 9, "tibo"),
        Piece(LEFT + 14, TOP + 101, "and of the dark", 9, "tibo"),
    ]
    page = [*stacked(head("1. Introduction"), 5), *heading, *prose(LEFT, TOP + 120, 5, width=WIDE)]
    assert titles(read(make_pdf([[TITLE, *page]]))) == [
        "Introduction",
        "The effect of light on the growth of pages in glass, and of the dark",
    ]


def test_heading_joins_centred_lines(read) -> None:
    words = ["The effect of light on the growth of", "pages in flasks of glass", "by the window"]
    heading = []
    for number, line in enumerate(words):
        width = pymupdf.get_text_length(line, fontname="tibo", fontsize=9)
        heading.append(Piece(LEFT + (WIDE - width) / 2, TOP + 90 + 11 * number, line, 9, "tibo"))
    page = [*stacked(head("Introduction"), 5), *heading, *prose(LEFT, TOP + 136, 5, width=WIDE)]
    assert titles(read(make_pdf([[TITLE, *page]]))) == ["Introduction", " ".join(words)]


def test_heading_number_may_be_followed_by_bar(read) -> None:
    page = stacked(head("1 | INTRODUCTION", 9), 4, head("1.1 | Flasks of glass", 9), 4)
    paper = read(make_pdf([[TITLE, *page]]))
    assert [(s.number, s.title, s.level) for s in paper.sections] == [
        ("1", "INTRODUCTION", 1),
        ("1.1", "Flasks of glass", 2),
    ]


def test_numbered_heading_may_precede_code_or_list(read) -> None:
    page = stacked(head("1. Growing"), 4, head("2. Measuring"), 4, head("3. Counting"))
    y = max(piece.y for piece in page) + 16
    page += [Piece(LEFT, y + 9 * n, f"count(flasks[{n}])", 7, "cour") for n in range(4)]
    page += prose(LEFT, y + 60, 4, width=WIDE)
    assert titles(read(make_pdf([[TITLE, *page]]))) == ["Growing", "Measuring", "Counting"]


def running_in(lead: str, font: str, y: float, size: float = 10) -> list[Piece]:
    """Returns a paragraph with this lead."""
    x = LEFT + pymupdf.get_text_length(lead + " ", fontname=font, fontsize=size)
    first, *others = prose(LEFT, y, 4, width=WIDE, size=size)
    fits = first.text[: int(len(first.text) * (WIDE - x + LEFT) / WIDE) - 1]
    return [Piece(LEFT, y, lead, size, font), first._replace(x=x, text=fits), *others]


def run_in_page(leads: list[str], font: str) -> bytes:
    page = stacked(head("Methods", 12), 4)
    for number, lead in enumerate(leads):
        page += running_in(lead, font, TOP + 100 + 70 * number)
    return make_pdf([[TITLE, *page]])


@pytest.mark.parametrize(
    ("leads", "font"),
    [
        (["Animal care:", "Lamps and glass:", "Counting of leaves:"], "tiit"),
        (["Animal care", "Lamps and glass"], "tibo"),
    ],
    ids=["a colon", "bold alone"],
)
def test_run_in_headings_are_leads_of_one_style(read, leads: list[str], font: str) -> None:
    found = [title.strip(":") for title in titles(read(run_in_page(leads, font)))]
    assert found == ["Methods", *(lead.strip(":") for lead in leads)]


def test_run_in_headings_exclude_abstract_and_back_matter_labels(read) -> None:
    leads = ["Results:", "Conclusion:", "Funding:", "Author contributions:"]
    assert titles(read(run_in_page(leads, "tibo"))) == ["Methods"]


def test_run_in_heading_needs_leads_of_the_same_style(read) -> None:
    assert titles(read(run_in_page(["Lamps and glass"], "tibo"))) == ["Methods"]


def test_run_in_heading_includes_distant_number(read) -> None:
    page = stacked(head("1 Methods", 12), 4)
    for number, words in enumerate(["Growing. ", "Counting. "], start=1):
        y = TOP + 100 + 60 * (number - 1)
        first, *rest = prose(LEFT + 62, y, 4, width=WIDE - 62)
        title = [Piece(LEFT, y, f"1.{number}", 10, "tiit"), Piece(LEFT + 22, y, words, 10, "tiit")]
        page += [*title, first, *(line._replace(x=LEFT) for line in rest)]
    paper = read(make_pdf([[TITLE, *page]]))
    assert [(s.number, s.title.strip(".")) for s in paper.sections] == [
        ("1", "Methods"),
        ("1.1", "Growing"),
        ("1.2", "Counting"),
    ]


def test_heading_continues_after_symbol_in_other_font(read) -> None:
    pieces = [("1.1. Growth by the e", "tiit"), ("ff", "tiro"), ("ect of light in glass", "tiit")]
    page, x = stacked(head("1. Methods", 12), 4), LEFT
    for text, font in pieces:
        page.append(Piece(x, TOP + 90, text, 10, font))
        x += pymupdf.get_text_length(text, fontname=font, fontsize=10)
    page += prose(LEFT, TOP + 106, 5, width=WIDE)
    assert titles(read(make_pdf([[TITLE, *page]]))) == [
        "Methods",
        "Growth by the effect of light in glass",
    ]


def test_numbered_heading_continues_after_name_in_other_font(read) -> None:
    page = stacked(head("1. Methods", 12), 4, head("1.1. Flasks of glass", font="tiit"), 4)
    y = TOP + 150
    lead = "1.2. Extracts of the leaves of "
    x = LEFT + pymupdf.get_text_length(lead, fontname="tiit", fontsize=10)
    page += [Piece(LEFT, y, lead, 10, "tiit"), Piece(x, y, "O. sanctum in the", 10)]
    page += [Piece(LEFT, y + 12, "winter months", 10, "tiit"), *prose(LEFT, y + 30, 5, width=WIDE)]
    assert titles(read(make_pdf([[TITLE, *page]])))[-1] == (
        "Extracts of the leaves of O. sanctum in the winter months"
    )


def test_heading_includes_acronym_on_last_line(read) -> None:
    page = [
        *stacked(head("1. Methods", 12), 5),
        Piece(LEFT, TOP + 90, "2. Counting of the leaves by", 12, "tibo"),
        Piece(LEFT, TOP + 104, "HP-TLC", 12, "tibo"),
        *prose(LEFT, TOP + 124, 5, width=WIDE),
    ]
    assert titles(read(make_pdf([[TITLE, *page]]))) == [
        "Methods",
        "Counting of the leaves by HP-TLC",
    ]


def test_heading_detection_fills_gap_in_numbering(read) -> None:
    page = stacked(head("1. Growing", 12), 4, head("1.1. Flasks", font="tiit"))
    y = max(piece.y for piece in page) + 16
    page += [Piece(LEFT, y + 9 * n, f"count(flasks[{n}])", 7, "cour") for n in range(4)]
    page += [*prose(LEFT, y + 50, 3, width=WIDE), Piece(LEFT, y + 110, "2. Measuring", 12, "tibo")]
    page += prose(LEFT, y + 126, 4, width=WIDE)
    assert titles(read(make_pdf([[TITLE, *page]]))) == ["Growing", "Flasks", "Measuring"]


def test_headings_exclude_repeated_title(read) -> None:
    page = stacked(
        head("1. Introduction", 12), 4, head(TITLE.text, 12), 4, head("2. Methods", 12), 4
    )
    assert titles(read(make_pdf([[TITLE, *page]]))) == ["Introduction", "Methods"]


def test_reading_order_keeps_short_last_line_of_full_width_abstract(read) -> None:
    abstract = prose(LEFT, TOP, 4, width=WIDE, size=9)
    last = Piece(LEFT, TOP + 4 * 10.8, "by the window at noon.", 9)
    left = [Piece(LEFT, TOP + 80, "1. Introduction", 12, "tibo"), *prose(LEFT, TOP + 100, 40)]
    right = prose(308, TOP + 80, 42)
    paper = read(make_pdf([[TITLE, *abstract, last, *left, *right]]))
    [block] = [block for block in paper.blocks if "by the window at noon." in block.text]
    assert block.text.startswith("Silver nanoparticles") and titles(paper) == ["Introduction"]


def test_numbered_heading_is_not_in_a_side_bar(read) -> None:
    """Beside a table of two columns a heading may be in a column of its own width."""
    page = [*stacked(head("1. Introduction"), 24)]
    table = [Piece(x, TOP + 12 * n, f"cell {n}", 8) for n in range(14) for x in (60, 330, 420)]
    second = [*table, Piece(LEFT, TOP + 190, "2.2. Lamps", 10, "tiit")]
    second += prose(LEFT, TOP + 206, 20, width=WIDE)
    third = stacked(head("2.3. Glass", font="tiit"), 20)
    assert "Lamps" in titles(read(make_pdf([[TITLE, *page], second, third])))


def test_structured_abstract_parts_are_text_up_to_introduction(read) -> None:
    page = stacked(
        head("Abstract", 14), head("Background", 10), 3, head("Methods", 10), 3,
        head("Conclusions", 10), 3, head("Introduction", 12), 4, head("Methods", 12), 4,
    )  # fmt: skip
    assert titles(read(make_pdf([[TITLE, *page]]))) == ["Abstract", "Introduction", "Methods"]


def test_headings_exclude_words_of_tables(read) -> None:
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


def test_headings_exclude_words_of_figures(read) -> None:
    left = [*stacked(head("Introduction", 12))]
    left += prose(LEFT, TOP + 20, 40)
    label = Piece(LEFT, TOP + 530, "Light Dark Dusk", 10, "tibo")
    right = prose(308, TOP, 44)
    right[0] = right[0]._replace(text="and goes on in the middle of a sentence, the")
    assert titles(read(make_pdf([[TITLE, *left, label, *right]]))) == ["Introduction"]


def test_run_in_acknowledgements_are_a_section_with_role(read) -> None:
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
def test_section_role_follows_heading_words(title: str, role: SectionRole) -> None:
    assert role_of(title) is role


def test_section_roles_are_inherited_and_lettered_appendices_follow_references() -> None:
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


def test_sections_of_complete_paper_have_levels_and_roles(read) -> None:
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


def test_column_count_ignores_side_bars() -> None:
    assert column_count([]) == 1
    assert column_count(column(1, 50, 540, 30)) == 1
    assert column_count([*column(1, 50, 290, 30), *column(2, 310, 540, 30)]) == 2
    assert column_count([*column(1, 180, 540, 30), *column(2, 50, 160, 20)]) == 1
    thirds = [*column(1, 50, 200, 30), *column(2, 220, 370, 30), *column(3, 390, 540, 30)]
    assert column_count(thirds) == 3
