"""Bibliographies in all usual formats, set line by line: each entry becomes one paragraph."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from domain.papers import BlockKind
from extraction.structure.references import is_references_title, split_references
from extraction.text.lines import Line
from extraction.text.paragraphs import Paragraph

NAMES = ("Smith", "Jones", "Young", "Brown", "Clark", "Adams", "Baker", "Davis", "Evans", "Frank")
PLAIN = [
    f"{name}, A. B., and Miller, C. ({1990 + n}). A study of the plants number {chr(65 + n)} in "
    f"the far north and of their roots. Journal of Plants {n + 3}, {100 + n}–{120 + n}."
    for n, name in enumerate(NAMES)
]
SIZE, LEADING, CHARACTERS = 9.0, 11.0, 55


class Setter:
    """Sets entries as lines, from top to bottom, with column breaks where requested."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.page, self.part, self.left, self.y = 1, 1, 60.0, 100.0

    def line(self, text: str, indent: float = 0.0) -> None:
        x0 = self.left + indent
        y = self.y
        self.lines.append(
            Line(text, self.page, x0, y - SIZE, x0 + 4 * len(text), y, SIZE, y, part=self.part)
        )
        self.y += LEADING

    def entry(self, text: str, *, hang: float = 0.0, first: float = 0.0, gap: float = 0.0) -> None:
        for number, line in enumerate(wrapped(text)):
            self.line(line, hang if number else first)
        self.y += gap

    def next_column(self, page: int | None = None) -> None:
        self.page, self.part = page or self.page, self.part + 1
        self.left, self.y = (60.0 if page else 320.0), 100.0


def wrapped(text: str) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) > CHARACTERS:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def heading(title: str = "References", level: int = 1) -> Paragraph:
    paragraph = Paragraph([Line(title, 1, 60, 80, 200, 92, 12, 92, bold=True)])
    paragraph.kind, paragraph.title, paragraph.level = BlockKind.HEADING, title, level
    return paragraph


def text(content: str, page: int = 1) -> Paragraph:
    setter = Setter()
    setter.page = page
    setter.entry(content)
    return Paragraph(setter.lines)


def entries_of(found: Sequence[Paragraph]) -> list[str]:
    return [paragraph.text for paragraph in found if paragraph.kind is BlockKind.REFERENCE]


def split(lines: Sequence[Line]) -> list[str]:
    return entries_of(split_references([heading(), Paragraph(list(lines))]))


@pytest.mark.parametrize(
    "form", ["[{}] {}", "{}. {}", "({}) {}", "{} {}", "{}{}", "{}) {}", "[{}]. {}"]
)
@pytest.mark.parametrize("hang", [0.0, 14.0])
def test_references_split_at_numbers_of_every_format(form: str, hang: float) -> None:
    entries = [form.format(number, entry) for number, entry in enumerate(PLAIN, start=1)]
    setter = Setter()
    for entry in entries:
        setter.entry(entry, hang=hang)
    assert split(setter.lines) == entries


def test_references_ignore_numbers_inside_entries() -> None:
    setter = Setter()
    entries = []
    for number, entry in enumerate(PLAIN, start=1):
        entries.append(f"{number}. {entry}")
        for line in wrapped(entries[-1]):
            setter.line(line)
        setter.line(f"{number + 1}000 pages of the atlas, volume 3.")
        entries[-1] += f" {number + 1}000 pages of the atlas, volume 3."
    assert split(setter.lines) == entries


def test_reference_numbers_continue_after_gap() -> None:
    setter = Setter()
    for number, entry in enumerate(PLAIN[:2] + PLAIN[4:], start=1):
        setter.entry(f"{number + 7 * (number > 2)}. {entry}", hang=14)
    assert len(split(setter.lines)) == 8


def test_reference_border_ignores_stray_line() -> None:
    setter = Setter()
    setter.left = 54
    setter.line("of all leaves that were counted")
    setter.left = 60
    for entry in PLAIN:
        setter.entry(entry, hang=12)
    assert [entry.split(",")[0] for entry in split(setter.lines)][-9:] == list(NAMES[1:])


def test_references_split_at_labels() -> None:
    entries = [f"[{name[:3]}{90 + n}] {PLAIN[n]}" for n, name in enumerate(NAMES)]
    setter = Setter()
    for entry in entries:
        setter.entry(entry)
    assert split(setter.lines) == entries


def test_references_ignore_link_words_in_brackets() -> None:
    entries = [f"{n}. {entry} [CrossRef] [PubMed]" for n, entry in enumerate(PLAIN, start=1)]
    setter = Setter()
    for entry in entries:
        body, _, links = entry.partition(" [CrossRef]")
        setter.entry(body)
        setter.line("[CrossRef]" + links)
    assert split(setter.lines) == entries


@pytest.mark.parametrize(
    "layout",
    [{"hang": 14.0}, {"first": 12.0}, {"gap": 5.0}, {}],
    ids=["hanging", "first line set in", "space between", "nothing but names"],
)
def test_references_split_by_author_and_year(layout: dict[str, float]) -> None:
    setter = Setter()
    for entry in PLAIN:
        setter.entry(entry, **layout)
    assert split(setter.lines) == PLAIN


@pytest.mark.parametrize("page", [None, 2], ids=["column", "page"])
def test_reference_entry_continues_after_column_or_page_break(page: int | None) -> None:
    setter = Setter()
    for number, entry in enumerate(PLAIN):
        for place, line in enumerate(wrapped(entry)):
            setter.line(line, 14.0 if place else 0.0)
            if number == 4 and place == 1:
                setter.next_column(page)
    assert split(setter.lines) == PLAIN


def test_references_column_with_continuation_only_starts_no_entry() -> None:
    setter = Setter()
    for number, entry in enumerate(PLAIN[:6]):
        for place, line in enumerate(wrapped(entry)):
            if number == 5 and place == 1:
                setter.page, setter.part, setter.y = 2, 2, 100.0
            setter.line(line, 14.0 if place else 0.0)
    assert split(setter.lines) == PLAIN[:6]


def test_references_recover_entry_with_lost_number() -> None:
    setter = Setter()
    for number, entry in enumerate(PLAIN, start=1):
        if number == 5:
            setter.next_column(page=2)
            setter.entry(entry)
        else:
            setter.entry(f"{number}. {entry}")
    expected = [entry if n == 5 else f"{n}. {entry}" for n, entry in enumerate(PLAIN, start=1)]
    assert split(setter.lines) == expected


def test_references_support_several_bibliographies() -> None:
    first = [f"{n}. {entry}" for n, entry in enumerate(PLAIN[:5], start=1)]
    second = [f"{n}. {entry}" for n, entry in enumerate(PLAIN[5:], start=6)]
    found = split_references(
        [
            heading(),
            *map(text, first),
            heading("Methods"),
            text("We did what we did in 1999 and report it here."),
            heading("Supplementary References"),
            *map(text, second),
        ]
    )
    assert entries_of(found) == first + second
    assert [paragraph.text for paragraph in found if paragraph.kind is BlockKind.TEXT] == [
        "We did what we did in 1999 and report it here."
    ]


def test_reference_numbers_may_restart_within_a_list() -> None:
    lists = [[f"[{n}] {entry}" for n, entry in enumerate(PLAIN[:4], start=1)] for _ in range(2)]
    setter = Setter()
    for entry in [*lists[0], *lists[1]]:
        setter.entry(entry)
    assert split(setter.lines) == lists[0] + lists[1]


@pytest.mark.parametrize(
    "note",
    [
        "Conflict of Interest Statement: The authors declare that there is none of any kind in "
        "this work, and that they were paid by nobody for it.",
        "© 2018 by the authors. Licensee MDPI, Basel, Switzerland. This article is an open access "
        "article distributed under the terms of the licence.",
        "Publisher’s Note: Springer Nature remains neutral with regard to jurisdictional claims "
        "in published maps and institutional affiliations.",
        "Copyright © 2015 Kalagatur, Mudili, Siddaiah, Gupta, Natarajan. This is an open-access "
        "article distributed under the terms of the licence.",
    ],
)
@pytest.mark.parametrize("numbered", [True, False])
def test_references_exclude_notes_after_last_entry(note: str, numbered: bool) -> None:
    entries = [f"{n}. {e}" if numbered else e for n, e in enumerate(PLAIN, start=1)]
    setter = Setter()
    for entry in entries:
        setter.entry(entry, hang=14.0)
    setter.entry(note)
    found = split_references([heading(), Paragraph(setter.lines)])
    assert entries_of(found) == entries
    assert found[-1].text == note and found[-1].kind is BlockKind.TEXT


def test_references_continue_after_note_at_column_end() -> None:
    setter = Setter()
    for number, entry in enumerate(PLAIN, start=1):
        setter.entry(f"{number}. {entry}", hang=14.0)
        if number == 5:
            setter.entry("Submit your manuscript to a journal and benefit from convenience.")
            setter.next_column()
    assert split(setter.lines) == [f"{n}. {entry}" for n, entry in enumerate(PLAIN, start=1)]


def test_references_keep_heading_like_line_in_entry() -> None:
    false = heading("Fachtagung Bildungstechnologien (DELFI 2019), accepted.")
    found = split_references([heading(), *map(text, PLAIN[:3]), false, *map(text, PLAIN[3:])])
    assert len(entries_of(found)) >= len(PLAIN)
    assert [paragraph.title for paragraph in found if paragraph.kind is BlockKind.HEADING] == [
        "References"
    ]


def test_references_keep_subheading_of_bibliography() -> None:
    parts = [heading("Primary sources", level=2), *map(text, PLAIN[:5])]
    parts += [heading("Archives", level=2), *map(text, PLAIN[5:])]
    found = split_references([heading(), *parts])
    assert entries_of(found) == PLAIN
    assert [paragraph.title for paragraph in found if paragraph.kind is BlockKind.HEADING][1:] == [
        "Primary sources",
        "Archives",
    ]


def test_references_end_at_appendix() -> None:
    proof = "The proof of Theorem 1 follows from the lemma of Section 2 at once."
    found = split_references([heading(), *map(text, PLAIN), heading("Appendix A"), text(proof)])
    assert entries_of(found) == PLAIN
    assert found[-1].text == proof


def test_references_exclude_table_column_headed_references() -> None:
    cells = ["[10–12] and others", "[15–19] too", "[21, 37] of these", "[22] alone"]
    found = split_references([heading(), *map(text, cells), heading("Results"), text("Some text.")])
    assert entries_of(found) == []
    assert [paragraph.text for paragraph in found][1:5] == cells


@pytest.mark.parametrize("title", ["References", "R EFERENCES", "7. References", "VI. REFERENCES"])
def test_references_heading_may_be_plain_text(title: str) -> None:
    found = split_references([text("So it ends here."), text(title), *map(text, PLAIN)])
    assert entries_of(found) == PLAIN
    assert [paragraph.text for paragraph in found if paragraph.kind is BlockKind.HEADING] == [title]


def test_references_plain_heading_needs_entries() -> None:
    found = split_references([text("References"), text("are what we do not have in this text.")])
    assert [paragraph.kind for paragraph in found] == [BlockKind.TEXT] * 2


def test_references_separate_footnotes_from_entries_in_small_type() -> None:
    foot, entry = text("* Deceased while this was printed."), text(PLAIN[4])
    foot.kind = entry.kind = BlockKind.FOOTNOTE
    rest = [*map(text, PLAIN[:4]), foot, entry, *map(text, PLAIN[5:])]
    found = split_references([heading(), *rest])
    assert entries_of(found) == PLAIN
    assert foot in found and foot.kind is BlockKind.FOOTNOTE


def test_references_keep_captions_inside_bibliography() -> None:
    caption = text("Figure 3. The last figure of the paper, printed among the references.")
    found = split_references([heading(), *map(text, PLAIN[:5]), caption, *map(text, PLAIN[5:])])
    assert caption in found and caption.kind is BlockKind.CAPTION
    assert entries_of(found) == PLAIN


def test_references_without_heading_are_found_if_unmistakable() -> None:
    numbered = [f"{n}. {entry}" for n, entry in enumerate(PLAIN, start=1)]
    body = [heading("Discussion"), text("We have shown what we said in the beginning.")]
    assert entries_of(split_references([*body, *map(text, numbered)])) == numbered
    assert entries_of(split_references([*body, *map(text, PLAIN)])) == PLAIN


@pytest.mark.parametrize(
    "items",
    [
        [
            f"{n}. Open the lid, wait for {n} minutes and close it again slowly."
            for n in range(1, 9)
        ],
        [f"{n}. Rome fell in {400 + n}, says the book that we took it from." for n in range(1, 9)],
        PLAIN[:3],
    ],
    ids=["steps", "facts", "too few"],
)
def test_references_without_heading_exclude_other_lists(items: list[str]) -> None:
    found = split_references([heading("Discussion"), text("As follows."), *map(text, items)])
    assert entries_of(found) == []


@pytest.mark.parametrize(
    "title",
    [
        "References",
        "REFERENCES",
        "Bibliography",
        "Literature Cited",
        "References and Notes",
        "Supplementary References",
        "Reference list",
        "Further reading",
        "Methods references",
    ],
)
def test_references_title_is_recognized(title: str) -> None:
    assert is_references_title(title)


@pytest.mark.parametrize("title", ["Reference values", "Referenced work", "Preferences", "Methods"])
def test_references_title_excludes_other_sections(title: str) -> None:
    assert not is_references_title(title)
