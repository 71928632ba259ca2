"""Extraction of generated papers: reading order, title, sections, references, refused files."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import DamagedPdf, NoText, PasswordProtected, TooManyPages
from domain.papers import BlockKind, Paper
from extraction.text.lines import Line, page_lines
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import HEIGHT, LOREM, WIDTH
from tests.pdf_builder.pages import make_pages
from tests.pdf_builder.papers import AES_256, Part, make_paper


def body(paper: Paper) -> str:
    return " ".join(block.text for block in paper.blocks if block.kind is BlockKind.TEXT)


NUMBERED_PARTS = [
    Part(f"{n} Section {name}", [f"Start of {name} part {m}. " + LOREM for m in range(5)])
    for n, name in enumerate(("alpha", "beta", "gamma", "delta", "epsilon"), start=1)
]


@pytest.mark.parametrize("columns", [1, 2])
def test_reading_order_holds_on_every_page(read, columns: int) -> None:
    paper = read(make_paper(parts=NUMBERED_PARTS, columns=columns))
    assert len(paper.pages) > 1
    text = body(paper)
    places = [
        text.index(f"Start of {name} part {m}.")
        for name in ("alpha", "beta", "gamma")
        for m in range(5)
    ]
    assert places == sorted(places)


def test_extraction_finds_title_and_sections(read) -> None:
    paper = read(
        make_paper(
            title="A Long Title That Goes On for More Than One Line of the Page Because It Says So",
            parts=NUMBERED_PARTS,
        )
    )
    assert (
        paper.title
        == "A Long Title That Goes On for More Than One Line of the Page Because It Says So"
    )
    found = [(section.number, section.title, section.level) for section in paper.sections]
    assert found[:3] == [(None, "Abstract", 1), ("1", "Section alpha", 1), ("2", "Section beta", 1)]
    named = {block.section for block in paper.blocks if "Start of beta" in block.text}
    assert named == {2}


def test_title_from_file_metadata_needs_printed_confirmation(read) -> None:
    paper = read(
        make_paper(
            title="Green Synthesis of Silver Particles",
            metadata_title="Microsoft Word - final_v3.docx draft",
        )
    )
    assert paper.title == "Green Synthesis of Silver Particles"


def test_paragraph_across_columns_is_one_block_with_two_boxes(read) -> None:
    paper = read(make_paper(parts=[Part("1 Introduction", [LOREM * 16])]))
    (block,) = [b for b in paper.blocks if b.text.startswith("Silver") and b.section == 1]
    assert block.text == (LOREM * 16).strip()
    assert len(block.boxes) >= 2


def test_running_headers_and_page_numbers_are_removed(read) -> None:
    paper = read(make_paper(parts=NUMBERED_PARTS))
    text = " ".join(block.text for block in paper.blocks)
    assert "Journal of Made Papers" not in text
    assert "Lovelace and Hopper, page" not in text


def test_hyphenation_is_resolved_and_compound_hyphens_are_kept(read) -> None:
    soft = "The nano\u00adparticle in the well-\u00adknown solution stayed. " * 12
    paper = read(
        make_paper(parts=[Part("1 Introduction", [soft, "A nanoparticle is well-known."])])
    )
    text = body(paper)
    assert "nano-" not in text and "nanoparticle" in text
    assert "wellknown" not in text and "well- known" not in text


def test_references_are_separate_entries_with_their_doi(read) -> None:
    entries = [
        "Smith, J. (2010). A paper about plants and their leaves that is long enough to "
        "wrap. Nature 1, 2. doi:10.1000/XYZ.1",
        "Jones, K., and Brown, B. (2011). Another paper about other plants that is long "
        "enough to wrap too. Science 3, 4.",
        "Young, A. (2012). A third paper on roots and how they grow in the dark of the "
        "soil below. Cell 5, 6.",
    ]
    paper = read(make_paper(references=entries))
    assert [reference.raw for reference in paper.references] == entries
    assert [reference.doi for reference in paper.references] == ["10.1000/xyz.1", None, None]
    assert [b.text for b in paper.blocks if b.kind is BlockKind.REFERENCE] == entries


def test_numbered_references_are_separate_entries(read) -> None:
    entries = [
        f"[{n}] A. Author, A title of the work number {n} that is long enough to wrap "
        f"over a line, 2001."
        for n in range(1, 6)
    ]
    assert [
        reference.raw for reference in read(make_paper(references=entries)).references
    ] == entries


def test_captions_have_their_block_kind(read) -> None:
    paper = read(
        make_paper(
            parts=[
                Part(
                    "1 Results",
                    [LOREM, "Figure 1. The spectrum of the particles after an hour.", LOREM],
                )
            ]
        )
    )
    (caption,) = [block for block in paper.blocks if block.kind is BlockKind.CAPTION]
    assert caption.text == "Figure 1. The spectrum of the particles after an hour."


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_block_boxes_refer_to_page_as_shown(read, rotation: int) -> None:
    data = make_paper(rotation=rotation)
    paper = read(data)
    assert paper.title == "Green Synthesis of Silver Nanoparticles"
    (size,) = paper.pages
    assert (size.width, size.height) == (
        (WIDTH, HEIGHT) if rotation % 180 == 0 else (HEIGHT, WIDTH)
    )
    (block,) = [b for b in paper.blocks if b.text == paper.title]
    (box,) = block.boxes
    page = pymupdf.open(stream=data)[0]
    clip = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1) * page.derotation_matrix
    assert "".join(page.get_textbox(clip).split()) == "GreenSynthesisofSilverNanoparticles"


def test_block_lines_hold_their_text_offsets(read) -> None:
    paper = read(make_paper())
    for block in paper.blocks:
        assert block.lines[0][0] == 0
        assert [start for start, _ in block.lines] == sorted({start for start, _ in block.lines})


def test_crop_box_shifts_block_boxes(read) -> None:
    document = pymupdf.open(stream=make_pages("Cropped line of text"))
    document[0].set_cropbox(pymupdf.Rect(50, 100, 500, 700))
    (block,) = read(document.tobytes()).blocks
    assert block.boxes[0].x0 == pytest.approx(10, abs=1)
    assert block.boxes[0].y1 == pytest.approx(102, abs=3)


def test_extraction_reports_progress_per_page(read) -> None:
    told: list[tuple[int, int]] = []
    read(
        make_pages("one page", "", "three pages"),
        on_page=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_pdf_with_owner_password_only_is_readable(read) -> None:
    document = pymupdf.open(stream=make_paper())
    data = document.tobytes(encryption=AES_256, owner_pw="owner", user_pw="")
    assert read(data).title == "Green Synthesis of Silver Nanoparticles"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (make_paper(password="secret"), PasswordProtected),
        (b"%PDF-1.7\nno objects here at all", DamagedPdf),
        (b"<html><body>404 Not Found</body></html>", DamagedPdf),
        (b"", DamagedPdf),
        (make_pages("", ""), NoText),
    ],
    ids=["password", "damaged", "web page", "empty", "no text"],
)
def test_unreadable_file_raises_specific_error(read, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(data)


def test_pdf_with_too_many_pages_is_refused(read) -> None:
    with pytest.raises(TooManyPages, match="3 pages"):
        read(make_pages("a", "b", "c"), max_pages=2)


def test_extraction_is_deterministic(read) -> None:
    data = make_paper(parts=NUMBERED_PARTS)
    assert read(data) == read(data)


def test_out_of_memory_is_not_reported_as_damaged_pdf(
    read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("code=2: calloc (4104 x 1 bytes) failed")

    monkeypatch.setattr("extraction.text.page_reading.page_lines", fail)
    with pytest.raises(MemoryError):
        read(make_pages("some text"))


def test_unreadable_page_is_skipped(read, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_on_the_first(page: object, number: int, drawn: Any) -> list[Line]:
        if number == 1:
            raise RuntimeError("syntax error")
        return page_lines(page, number, drawn)

    monkeypatch.setattr("extraction.text.page_reading.page_lines", fail_on_the_first)
    paper = read(make_pages("page one", "page two"))
    assert [block.text for block in paper.blocks] == ["page two"]
    with pytest.raises(DamagedPdf):
        read(make_pages("page one"))
