"""Entries whose authors are those of the entry before: dashes and words that stand for names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from domain.papers import Author, Paper, Reference
from extraction.citations.parse import parse_reference
from tests.pdf_builder.canvas import BOLD, wrap
from tests.pdf_builder.front_pages import FrontPage

BEHIND = "Salt Prices on Both Sides of a Pass. Journal of Old Roads 11, 18–34."
PAIR = (Author("Frei, Ada", "Ada", "Frei"), Author("Ben Zwick", "Ben", "Zwick"))


def families(found: Reference) -> list[str | None]:
    return [author.family for author in found.authors]


def parsed(raw: str, before: Sequence[Author] = PAIR) -> Reference:
    return parse_reference(1, raw, 1, before)


@pytest.mark.parametrize(
    "mark",
    [
        *(
            "———.",
            "--------.",
            "______.",
            "——,",
            "⸻.",
            "⸺.",
            "– – –.",
            "―――.",
            "—.",
            "— .",
            "_____",
        ),
        *("[2] ———.", "2. ———.", "Idem.", "Idem,", "Id.,", "Ders.:", "Dies.,", "Он же."),
        *("et al.", "Et al.,"),
    ],
)
def test_mark_stands_for_all_authors_of_entry_before(mark: str) -> None:
    found = parsed(f"{mark} (1978). {BEHIND}")
    assert (families(found), found.year) == (["Frei", "Zwick"], 1978)
    assert found.title == "Salt Prices on Both Sides of a Pass"


@pytest.mark.parametrize(
    "raw, names",
    [
        ("———, and Carla Mott. 1982. ", ["Frei", "Mott"]),
        ("———, ———, and Carla Mott. 1982. ", ["Frei", "Zwick", "Mott"]),
        ("———, and ———. 1982. ", ["Frei", "Zwick"]),
        ("——— and Mott 1982. ", ["Frei", "Mott"]),
        ("——, & Mott, C. D. (1982). ", ["Frei", "Mott"]),
        ("——, Mott, C. D., & Pell, E. (1982). ", ["Frei", "Mott", "Pell"]),
        ("——— et al. 1982. ", ["Frei"]),
        ("———, ed. 1982. ", ["Frei", "Zwick"]),
        ("— y Mott, C. (1982). ", ["Frei", "Mott"]),
    ],
)
def test_marks_beside_names_stand_for_one_author_each(raw: str, names: list[str]) -> None:
    found = parsed(raw + BEHIND)
    assert (families(found), found.year) == (names, 1982)
    assert found.title == "Salt Prices on Both Sides of a Pass"


def test_mark_without_entry_before_is_no_author() -> None:
    assert parsed(f"———. 1978. {BEHIND}", ()).authors == ()
    assert families(parsed(f"———, and Carla Mott. 1982. {BEHIND}", ())) == ["Mott"]


@pytest.mark.parametrize("bullet", ["–", "-", "•"])
def test_bullet_is_no_mark(bullet: str) -> None:
    assert families(parsed(f"{bullet} Mott, C. (1982). {BEHIND}")) == ["Mott"]


def test_hostile_marks_are_bounded() -> None:
    assert len(parsed("———, " * 700 + "Mott 1982.").authors) == len(PAIR)
    assert parsed("—" * 4000).authors == PAIR


@pytest.mark.parametrize("mark", ["———", "------", "______"])
@pytest.mark.parametrize("hang", [0.0, 18.0])
def test_paper_with_marks_has_authors_of_every_entry(
    read: Callable[..., Paper], mark: str, hang: float
) -> None:
    entries = (
        "Frei, Ada. 1971. “The Salt Tolls of the Upper Valley.” Alpine Review 4 (2): 70–84.",
        f"{mark}. 1978. “Prices on Both Sides of the Pass.” Alpine Review 11 (1): 18–34.",
        f"{mark}, and Carla Mott. 1982. “Carriers and Dues.” Alpine Review 12 (1): 1–29, with "
        "an appendix of all dues that were paid in the years before the bridge was built there.",
        "Moos, Peter. 1960. “Salt and Snow in the High Passes.” Notes of the Oberland 2: 1–33.",
        f"{mark}. 1964. “Passes Closed in Winter.” Notes of the Oberland 6: 10–33.",
    )
    page = FrontPage()
    page.paragraph("Tolls and Salt in the Mountains", 18)
    page.gap(20)
    page.body(columns=1)
    page.new_page()
    page.line("References", 12, BOLD)
    for entry in entries:
        page.gap(3)
        first, *rest = wrap(entry, 440)
        page.line(first)
        for line in rest:
            page.line(line, x=60 + hang)
    found = read(page.to_pdf()).references
    assert [families(reference) for reference in found] == [
        ["Frei"],
        ["Frei"],
        ["Frei", "Mott"],
        ["Moos"],
        ["Moos"],
    ]
