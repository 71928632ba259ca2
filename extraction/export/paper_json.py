"""A paper as one JSON document, for programs that use the library without the service.

The document is an object with these keys:

    format          always "paperworks-paper"
    version         of this layout: 1. A later release may add keys under the same number. A number
                    changes when a key is removed or its meaning changes.
    file            {"name": the name of the PDF, "sha256": the SHA-256 of its bytes in hexadecimal}
    review_reasons  texts that say why a person should check the result; empty when all is well
    paper           the fields of `domain.papers.Paper`:
        title       string or null
        pages       [{number, width, height}]
        blocks      [{kind, text, boxes, section, lines}] in reading order; `section` is an index
                    into `sections` or null; `lines` is [[offset in text, box]]
        sections    [{ordinal, level, number, title, page, box, role}]
        references  [{ordinal, raw, page, doi, arxiv_id, authors, title, venue, year}]
        metadata    {title, authors, abstract, keywords, doi, arxiv_id, year, venue, language,
                    evidence}
        tables      [{number, label, caption, boxes, rows, source, notes}]; `rows` is a list of
                    lists of {text, rowspan, colspan, header}, as in HTML
        figures     [{number, label, caption, box}]
        quality     {pages_read, pages_ocred, pages_failed, pages_without_text, garbled_share,
                    columns, layout_done, layout_pages, pages_incomplete, unread_characters,
                    hidden_words, is_truncated, pages_unchecked, annotations};
                    unread_characters, hidden_words and annotations list {page, count}

An author is {name, given, family}. A box is {page, x0, y0, x1, y1} in PDF points (1/72 inch) from
the top left of the page as shown. Pages count from 1. A missing value is null or an empty list.
`domain/papers.py` lists the values of `kind`, `role` and `source`.
"""

from __future__ import annotations

import json

from domain.papers import Paper
from extraction.quality import review_reasons
from extraction.serialization import PAPER

FORMAT, VERSION = "paperworks-paper", 1


def to_json(paper: Paper, file_name: str, sha256: str) -> str:
    """The JSON document of this module's docstring, indented by two spaces, ended by a line feed.

    Equal arguments give equal text; characters beyond ASCII are written as they are.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "file": {"name": file_name, "sha256": sha256},
        "review_reasons": review_reasons(paper),
        "paper": PAPER.dump_python(paper, mode="json"),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
