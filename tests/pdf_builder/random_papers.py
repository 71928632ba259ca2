"""Papers of any length for the benchmarks: two columns, sections, references; deterministic per
seed.

The prose is that of Python's own documentation (pydoc_data.topics), its paragraphs in random order:
the number of tokens of a page, and so the work of embedding it, is that of a page of a journal.
"""

from __future__ import annotations

import html
import io
import random
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics

from extraction.text.mupdf import pymupdf
from tests.pdf_builder.canvas import HEIGHT, WIDTH

COLUMN_LEFTS, COLUMN_WIDTH, TOP, BOTTOM = (54.0, 307.0), 234.0, 66.0, 778.0
WORDS_OF_A_PAGE = 1_300  # more than a page holds: what is left over is cut off
PARAGRAPHS_OF_A_SECTION = 4
REFERENCES = 34
STYLE = """
body {font-family: serif; font-size: 9.5pt}
p {text-align: justify; margin: 0; text-indent: 10pt}
p.reference {text-indent: 0; font-size: 8.5pt; margin-bottom: 3pt}
h1 {font-size: 18pt} h2 {font-size: 12pt}
"""
NAMES = (
    *("Abel", "Bauer", "Chen", "Dietrich", "Eriksen", "Fischer", "Garcia", "Haas", "Ito", "Jensen"),
    *("Khan", "Lindqvist", "Mora"),
)


def random_paper(seed: int, pages: int) -> bytes:
    """Returns a paper of `pages` pages, the last with its references; deterministic per seed."""
    rng = random.Random(seed)
    body = pymupdf.Story("".join(_body(rng, pages)), user_css=STYLE)
    references = pymupdf.Story("".join(_references(rng)), user_css=STYLE)
    buffer = io.BytesIO()
    writer = pymupdf.DocumentWriter(buffer)
    for number in range(1, pages + 1):
        device = writer.begin_page(pymupdf.Rect(0, 0, WIDTH, HEIGHT))
        _fill(references if number == pages else body, device)
        writer.end_page()
    writer.close()
    return _with_running_lines(buffer.getvalue(), f"Made papers, volume {seed}")


def one_page_paper(seed: int, size_bytes: int) -> bytes:
    """Returns a one-page paper in a file of about `size_bytes`: large upload, fast extraction."""
    document = pymupdf.open(stream=random_paper(seed, 2), filetype="pdf")
    document.select([1])
    ballast = random.Random(seed).randbytes(max(0, size_bytes - len(document.tobytes(garbage=3))))
    document.embfile_add("ballast", ballast)
    data = document.tobytes(garbage=3)
    document.close()
    return data


def write_random_papers(folder: Path, papers: int, seed: int = 0) -> list[Path]:
    """Writes papers of 6 to 15 pages to the folder; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"paper-{number:03d}.pdf" for number in range(papers)]
    for number, path in enumerate(paths):
        path.write_bytes(random_paper(seed + number, 6 + 7 * number % 10))
    return paths


def with_mark(pdf: bytes, mark: str) -> bytes:
    """Returns the same paper with another digest, so that it is not a duplicate."""
    return pdf + f"\n% {mark}\n".encode()


@cache
def python_docs_paragraphs() -> tuple[str, ...]:
    """Returns paragraphs of English prose, of 30 words and more."""
    return tuple(
        " ".join(paragraph.split())
        for _, text in sorted(topics.items())
        for paragraph in re.split(r"\n\s*\n", text)
        if _is_prose(paragraph) and len(paragraph.split()) >= 30
    )


def _is_prose(paragraph: str) -> bool:
    """True for prose, false for lists and code."""
    letters = sum(c.isalpha() or c.isspace() for c in paragraph)
    return not paragraph.startswith((" ", "*", "-")) and letters > 0.88 * len(paragraph)


def _body(rng: random.Random, pages: int) -> Iterator[str]:
    paragraphs = rng.sample(python_docs_paragraphs(), len(python_docs_paragraphs()))
    title = " ".join(rng.sample(_long_words(paragraphs[0]), 5)).title()
    yield f"<h1>{html.escape(title)}</h1><p>{_authors(rng, 3)}</p>"
    left, number = WORDS_OF_A_PAGE * pages, 0
    while left > 0:
        if number % PARAGRAPHS_OF_A_SECTION == 0:
            yield _heading(number // PARAGRAPHS_OF_A_SECTION, paragraphs, rng)
        paragraph = paragraphs[number % len(paragraphs)]
        left, number = left - len(paragraph.split()), number + 1
        yield f"<p>{html.escape(paragraph)}</p>"


def _heading(number: int, paragraphs: Sequence[str], rng: random.Random) -> str:
    if number == 0:
        return "<h2>Abstract</h2>"
    words = " and ".join(rng.sample(_long_words(rng.choice(paragraphs)), 2)).capitalize()
    return f"<h2>{number} {html.escape(words)}</h2>"


def _long_words(text: str) -> list[str]:
    words = [word for word in re.findall(r"[A-Za-z]+", text) if len(word) > 3]
    return [*words, "work", "time", "order", "state", "value"]


def _references(rng: random.Random) -> Iterator[str]:
    yield "<h2>References</h2>"
    for number in range(1, REFERENCES + 1):
        title = " ".join(rng.choice(python_docs_paragraphs()).split()[:9]).rstrip(".,;:")
        where = f"J. Made Papers {rng.randint(1, 60)}, {rng.randint(1, 900)}"
        entry = f"[{number}] {_authors(rng, 2)} ({rng.randint(1980, 2024)}). {title}. {where}."
        yield f'<p class="reference">{html.escape(entry)}</p>'


def _authors(rng: random.Random, count: int) -> str:
    return ", ".join(f"{name} {rng.choice('ABCDEFGHJ')}." for name in rng.sample(NAMES, count))


def _fill(story: pymupdf.Story, device: pymupdf.DeviceWrapper) -> None:
    for left in COLUMN_LEFTS:
        more, _ = story.place(pymupdf.Rect(left, TOP, left + COLUMN_WIDTH, BOTTOM))
        story.draw(device)
        if not more:
            return


def _with_running_lines(data: bytes, text: str) -> bytes:
    document = pymupdf.open(stream=data, filetype="pdf")
    for number in range(1, document.page_count + 1):
        page = document.load_page(number - 1)
        page.insert_text((COLUMN_LEFTS[0], TOP - 20), text, fontsize=8)
        page.insert_text((WIDTH / 2, HEIGHT - 36), str(number), fontsize=9)
    made = document.tobytes(garbage=3, deflate=True)
    document.close()
    return made
