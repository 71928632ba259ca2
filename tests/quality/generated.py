"""Twenty generated papers in twenty layouts: equal papers on every machine, known in every word.

python -m tests.quality.generated FOLDER     writes them as PDFs, to look at
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.quality import layouts_journals as journals
from tests.quality import layouts_languages as languages
from tests.quality import layouts_proceedings as proceedings
from tests.quality import layouts_special as special
from tests.quality.truth import Truth
from tests.quality.typeset import Typesetter

LAYOUTS: Mapping[str, Callable[[], Typesetter]] = {
    made.__name__: made
    for made in (
        *(proceedings.plain_article, proceedings.engineering_conference),
        *(proceedings.computing_proceedings, proceedings.lecture_notes),
        *(proceedings.line_numbered_manuscript, journals.elsevier_article),
        *(journals.margin_column, journals.letter_to_journal, journals.structured_abstract_box),
        *(journals.physics_letter, languages.humanities_essay, languages.german_report),
        *(languages.spanish_two_languages, languages.russian_article, special.mathematics),
        *(special.three_columns, special.long_headings, special.technical_report),
        *(special.wide_tables, special.figure_pages),
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
