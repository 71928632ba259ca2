"""Twenty generated papers in twenty layouts: equal papers on every machine, known in every word.

python -m tests.quality.generated FOLDER     writes them as PDFs, to look at
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.quality import layouts_articles as articles
from tests.quality import layouts_special as special
from tests.quality.truth import Truth
from tests.quality.typeset import Typesetter

LAYOUTS: Mapping[str, Callable[[], Typesetter]] = {
    made.__name__: made
    for made in (
        *(articles.plain_article, articles.engineering_conference, articles.computing_proceedings),
        *(articles.elsevier_article, articles.lecture_notes, articles.margin_column),
        *(articles.letter_to_journal, articles.line_numbered_manuscript),
        *(articles.structured_abstract_box, articles.physics_letter),
        *(special.humanities_essay, special.german_report, special.spanish_two_languages),
        *(special.russian_article, special.mathematics, special.three_columns),
        *(special.long_headings, special.technical_report, special.wide_tables),
        special.figure_pages,
    )
}


@dataclass(frozen=True, slots=True)
class GeneratedPaper:
    """A paper, the bytes of its PDF and its true content."""

    name: str
    pdf: bytes
    truth: Truth


def generate(name: str) -> GeneratedPaper:
    """The paper in the layout of that name, one of LAYOUTS."""
    setter = LAYOUTS[name]()
    return GeneratedPaper(name, setter.pdf(), setter.truth())


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in LAYOUTS:
        (folder / f"{name}.pdf").write_bytes(generate(name).pdf)


if __name__ == "__main__":
    main()
