"""One grammar of captions: paragraphs, tables, figures and running headers agree on labels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.papers import BlockKind
from extraction.captions import page_captions
from extraction.tables.frame import Frame, find_body_style
from extraction.tables.table_captions import find_captions
from extraction.text.lines import Line
from extraction.text.paragraphs import Paragraph
from extraction.vocabulary.captions import CaptionKind, caption_label, is_caption, is_continued


def _line(text: str) -> Line:
    return Line(text, 1, 60, 100, 400, 110, 9, 108)


def _begins_caption_paragraph(text: str) -> bool:
    return Paragraph([_line(text)]).kind is BlockKind.CAPTION


def _is_caption_beside_figures(text: str) -> bool:
    return any(page_captions([_line(text)]).values())


def _is_caption_of_a_table(text: str) -> bool:
    frame = Frame(1, 0, [_line(text)])
    return bool(find_captions(frame, find_body_style([frame.lines])))


EVERYWHERE = (_begins_caption_paragraph, _is_caption_beside_figures)
OF_TABLES = (*EVERYWHERE, _is_caption_of_a_table)
Recognizer = Callable[[str], bool]


@pytest.mark.parametrize("recognizer", OF_TABLES)
@pytest.mark.parametrize(
    "text",
    [
        "Table 3. Yields.",
        "TABLE IV",
        "T A B L E 2 Yields of both runs",
        "Tab. 3: Yields.",
        "Tabelle 3: Erträge.",
        "Tableau 2 – Rendements",
        "Tabla 4. Rendimientos",
        "Таблица 1. Выход",
        "Supporting Table S2. Yields",
        "Table A.1 Yields",
    ],
)
def test_table_labels_are_captions_everywhere(text: str, recognizer: Recognizer) -> None:
    assert recognizer(text)


@pytest.mark.parametrize("recognizer", EVERYWHERE)
@pytest.mark.parametrize(
    "text",
    [
        "Figure 1. Leaves.",
        "Fig. S3 Leaves",
        "Graph 1. Leaves.",
        "Illustration 2: Leaves",
        "Abbildung 2: Blätter",
        "Abb. 2: Blätter",
        "Figura 5. Hojas",
        "Рис. 2. Листья",
        "Appendix Figure 1. Leaves",
    ],
)
def test_figure_labels_are_captions_everywhere(text: str, recognizer: Recognizer) -> None:
    assert recognizer(text)


@pytest.mark.parametrize("recognizer", OF_TABLES)
@pytest.mark.parametrize(
    "text",
    [
        "Table 1 shows the yields of both runs",
        "Table 1 summarizes the yields",
        "Table 1, the yields are given",
        "Table 1) and in the text",
        "table 1. The yields",
        "Tables",
        "Table 12% of the yields",
        "Figure 2 and the text say the same",
        "Fig. 2 illustrates this",
        "Figures",
        "Figure A",
    ],
)
def test_mentions_are_captions_nowhere(text: str, recognizer: Recognizer) -> None:
    assert not recognizer(text)


def test_caption_label_has_kind_text_and_rest() -> None:
    label = caption_label("T A B L E 2. Yields of both runs")
    assert label is not None
    assert (label.kind, label.text, label.mark) == (CaptionKind.TABLE, "TABLE 2", ".")
    assert label.rest == "Yields of both runs"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Tab. 3", "TABLE 3", True),
        ("Fig. 2", "Figure 2", True),
        ("Figure 2", "Scheme 2", False),
        ("Table 1", "Supplementary Table 1", False),
        ("Table 1", "Table 11", False),
    ],
)
def test_caption_label_key_identifies_table_or_figure(one: str, other: str, same: bool) -> None:
    labels = caption_label(one), caption_label(other)
    assert labels[0] and labels[1]
    assert (labels[0].key == labels[1].key) is same


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Table 3 (continued)", ""),
        ("Table 3. Continued.", ""),
        ("Continued Table 3", ""),
        ("Table 3 (cont.) Yields", "Yields"),
        ("Tabelle 3: Fortsetzung", ""),
    ],
)
def test_caption_label_marks_continued_tables(text: str, rest: str) -> None:
    label = caption_label(text)
    assert label is not None
    assert (label.is_continuation, label.rest) == (True, rest)
    assert is_caption(text, CaptionKind.TABLE)


def test_continued_alone_is_no_part_of_a_note() -> None:
    assert is_continued("(continued)")
    assert not is_continued("Continued use of both flasks")


def test_bold_label_before_small_letters_is_a_caption() -> None:
    assert is_caption("Fig. 1 leaves of both plants", is_set_off=True)
    assert not is_caption("Fig. 1 leaves of both plants")
    assert not is_caption("Fig. 1 shows leaves", is_set_off=True)
