"""The title is distinguished from the name of the journal above it."""

from __future__ import annotations

from domain.papers import PageSize
from extraction.structure.title import find_title
from extraction.text.lines import Line

SIZE = PageSize(1, 612, 792)


def line(text: str, y: float, size: float, page: int = 1) -> Line:
    return Line(text, page, 60, y - size, 400, y, size, y)


def test_title_excludes_journal_with_home_page() -> None:
    lines = [
        line("Biochemistry and Biophysics Reports", 60, 14),
        line("journal homepage: www.example.org/bbrep", 76, 8),
        line("Lipid lowering in rats fed with basil", 110, 13.4),
        line("Jane Doe, John Roe", 130, 10.5),
    ]
    assert find_title(lines, SIZE, None)[0] == "Lipid lowering in rats fed with basil"


def test_title_excludes_journal_cited_in_header() -> None:
    lines = [
        line("Physics and Imaging in Oncology", 60, 14),
        line("Lipid lowering in rats fed with basil", 110, 13.4),
    ]
    header = line("Physics and Imaging in Oncology 24 (2020) 1-9", 30, 7, page=2)
    assert find_title(lines, SIZE, None, [header])[0] == "Lipid lowering in rats fed with basil"


def test_title_may_contain_licence_words() -> None:
    lines = [line("Which licence is accepted where", 100, 18), line("Jane Doe", 130, 12)]
    assert find_title(lines, SIZE, None)[0] == "Which licence is accepted where"


def test_title_ignores_unprinted_title_of_file_metadata() -> None:
    lines = [line("Lipid lowering in rats fed with basil", 100, 18), line("Jane Doe", 130, 12)]
    assert (
        find_title(lines, SIZE, "Microsoft Word - my old draft.doc")[0]
        == "Lipid lowering in rats fed with basil"
    )


def test_title_is_not_split_by_box_beside_it() -> None:
    box = [Line(text, 1, 450, y - 7, 560, y, 7, y) for text, y in [("Basil", 104), ("1-9", 113)]]
    lines = [
        line("Lipid lowering in rats fed with basil, and", 100, 18),
        *box,
        line("what becomes of it in the winter", 121, 18),
        line("Jane Doe, John Roe", 145, 11),
    ]
    title, taken = find_title(lines, SIZE, None)
    assert title == f"{lines[0].text} {lines[3].text}"
    assert taken == [lines[0], lines[3]]
