"""Watermarks, stamps and line numbers are removed from the pages, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.papers import PageSize
from extraction.text.lines import Line
from extraction.text.mupdf import pymupdf
from extraction.text.pdf import read_pages
from extraction.text.running_headers import without_running_lines
from tests.pdf_builder.losses import prose_page

PROSE = "The absorption rose for twenty minutes and then stayed the same in every flask"


def line(
    text: str, x: float, y: float, size: float = 10.0, rotation: int = 0, page: int = 1
) -> Line:
    width = 0.45 * size * len(text)
    return Line(text, page, x, y - size, x + width, y, size, y, rotation=rotation)


def cleaned(pages: list[list[Line]]) -> list[list[str]]:
    sizes = [PageSize(number, 595, 842) for number in range(1, len(pages) + 1)]
    return [[line.text for line in page] for page in without_running_lines(pages, sizes)]


def a_page(number: int = 1, left: float = 80.0) -> list[Line]:
    words = "abcdefghijklmnopqrst"
    return [
        line(f"{PROSE} {words[n]}{'xyzuvw'[number % 6]}", left, 120 + 24 * n, page=number)
        for n in range(20)
    ]


def test_running_headers_remove_watermark() -> None:
    page = [*a_page(), line("ACCEPTED MANUSCRIPT", 100, 400, 60), line("Draft", 100, 500, 48)]
    assert cleaned([page]) == [[printed.text for printed in a_page()]]


def test_running_headers_keep_word_draft_in_text_size() -> None:
    assert "Draft" in cleaned([[*a_page(), line("Draft", 80, 700)]])[0]


@pytest.mark.parametrize("rotation", [0, 3])
def test_running_headers_remove_stamp_at_one_position(rotation: int) -> None:
    pages = [
        [
            *a_page(n),
            line("Downloaded from the library of flasks", 300, 333, rotation=rotation, page=n),
        ]
        for n in range(1, 5)
    ]
    assert all("Downloaded" not in " ".join(page) for page in cleaned(pages))


@pytest.mark.parametrize(
    "stamp",
    [
        "Downloaded from example.org by guest on 12 May 2024",
        "This article was downloaded by: [University of Hallum] at 10:12 on 3 June 2019",
        "Delivered by Ingenta to: Hallum Library",
    ],
)
@pytest.mark.parametrize("y", [30.0, 820.0])
def test_download_stamp_of_a_single_page_is_removed(stamp: str, y: float) -> None:
    page = a_page()
    assert cleaned([[*page, line(stamp, 60, y, 7)]]) == cleaned([page])
    assert stamp in cleaned([[*page, line(stamp, 60, 400)]])[0]


def test_download_stamp_beside_the_text_is_removed(tmp_path: Path) -> None:
    document = pymupdf.open()
    page = prose_page(document)
    stamp = "Downloaded from example.org by guest on 12 May 2024"
    page.insert_text((20, 600), stamp, fontsize=7, rotate=90)
    path = tmp_path / "paper.pdf"
    path.write_bytes(document.tobytes())
    [lines] = read_pages(path).body
    assert "Downloaded" not in " ".join(line.text for line in lines) and len(lines) > 8


@pytest.mark.parametrize("x", [40.0, 540.0])
def test_line_numbers_beside_text_are_removed(x: float) -> None:
    page = a_page()
    numbers = [line(str(n + 1), x, printed.base) for n, printed in enumerate(page)]
    assert cleaned([[*page, *numbers]]) == [[printed.text for printed in page]]


def test_line_numbers_on_every_fifth_line_are_removed() -> None:
    page = a_page()
    numbers = [line(str(n), 40, page[n - 1].base) for n in (5, 10, 15, 20)]
    assert cleaned([[*page, *numbers]]) == [[printed.text for printed in page]]


def test_line_numbers_must_rise_to_be_removed() -> None:
    page = a_page()
    numbers = [line(text, 40, page[n].base) for n, text in enumerate(["17", "3", "88", "21"])]
    assert "88" in cleaned([[*page, *numbers]])[0]


def test_line_numbers_at_line_start_are_removed() -> None:
    page = a_page()
    numbered = [
        line(f"{n + 41} {printed.text}", 60, printed.base) for n, printed in enumerate(page)
    ]
    assert cleaned([numbered]) == [[printed.text for printed in page]]


def test_line_numbers_exclude_numbered_entries() -> None:
    page = [line(f"{n // 2 + 1} {PROSE}" if n % 2 else PROSE, 60, 100 + 14 * n) for n in range(24)]
    assert cleaned([page]) == [[printed.text for printed in page]]
