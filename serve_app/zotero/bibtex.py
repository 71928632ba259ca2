"""Entries of a BibTeX or BibLaTeX export of Zotero or Better BibTeX."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import NormalizeFieldKeys
from bibtexparser.middlewares.names import (
    parse_single_name_into_parts,
    split_multiple_persons_names,
)
from bibtexparser.model import Entry as Block
from bibtexparser.model import ParsingFailedBlock

from serve_app.zotero.entries import (
    Entry,
    Parsed,
    plain_doi,
    unique,
    written_name,
    year_in,
)
from serve_app.zotero.file_fields import pdf_paths
from serve_app.zotero.latex import decoded

_OTHERS = "others"  # "Lovelace, Ada and others"
logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # the problems are in `Parsed`


def read_bibtex(text: str) -> Parsed:
    """Returns the entries; LaTeX in titles, names and keywords becomes Unicode.

    An entry with a key or a field that occurs twice is read; of a field the last value.
    """
    library = parse_string(text, append_middleware=[NormalizeFieldKeys()])
    failed = [_block_of(block) for block in library.failed_blocks]
    blocks = [*library.entries, *(block for block in failed if isinstance(block, Block))]
    problems = (block for block in failed if isinstance(block, str))
    return Parsed(tuple(map(_entry, blocks)), tuple(problems))


def _block_of(failed: ParsingFailedBlock) -> Block | str:
    """Returns the entry of a block that is only in conflict with another one, else a message."""
    if isinstance(failed.ignore_error_block, Block):
        return failed.ignore_error_block
    line = (failed.start_line or 0) + 1
    return f"Line {line}: the entry is not valid BibTeX and was left out; export it again."


def _entry(block: Block) -> Entry:
    values = {field.key.lower(): str(field.value) for field in block.fields}
    date = values.get("date") or values.get("year") or ""
    words = _listed(values.get("keywords", ""))
    venues = (values.get(name, "") for name in ("journaltitle", "journal", "booktitle"))
    return Entry(
        key=block.key,
        title=decoded(values.get("title", "")) or None,
        authors=tuple(_names(values.get("author", ""))),
        year=year_in(date),
        venue=next(filter(None, map(decoded, venues)), None),
        doi=plain_doi(values.get("doi", "")),
        tags=unique([*map(decoded, words), *_listed(values.get("groups", ""))]),
        files=pdf_paths(values.get("file", "")),
    )


def _listed(field: str) -> list[str]:
    return field.replace(";", ",").split(",")


def _names(field: str) -> Iterator[str]:
    for name in split_multiple_persons_names(field):
        parts = parse_single_name_into_parts(name, strict=False)
        family = _joined([*parts.von, *parts.last, *parts.jr])
        written = written_name(family, _joined(parts.first))
        if written not in ("", _OTHERS):
            yield written


def _joined(parts: Iterable[str]) -> str:
    return " ".join(map(decoded, parts))
