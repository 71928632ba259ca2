"""Finds the open-access papers of manifest.json by their SHA-256 and reads their records.

A folder of papers holds PDFs and gold.jsonl: one JSON object a line with the name of the PDF and
what its publisher states (title, authors, abstract, doi, year, sections, tables, figures,
references). The papers and their records are not part of this repository.

    python -m tests.quality.records FOLDER...    writes manifest.json for the papers of the folders
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.papers import Cell
from tests.quality.scorer import normal
from tests.quality.truth import Rows, TrueReference, TrueTable, Truth

HERE = Path(__file__).parent
MANIFEST = HERE / "manifest.json"
DEFAULT_FOLDER = HERE.parents[2] / "shared" / "corpus"
VARIABLE = "PAPERWORKS_QUALITY_PAPERS"
RECORDS = "gold.jsonl"
ABOUT = (
    "Open-access papers by SHA-256. Licence: as the record of the corpus states it, cut at 200 "
    "characters; null where it states none. URL: by the DOI or the archive number of the "
    "record. Written by python -m tests.quality.records."
)
PRINTS_ITS_DOI = ("jose", "pmc")  # sets whose papers print their DOI
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CorpusPaper:
    """A paper of the manifest that is present, with its true content."""

    name: str
    path: Path
    truth: Truth


def folders_of_papers(given: Sequence[Path]) -> list[Path]:
    """The folders given, else those of PAPERWORKS_QUALITY_PAPERS, else ../shared/corpus; only those
    that exist."""
    named = [Path(text) for text in os.environ.get(VARIABLE, "").split(os.pathsep) if text]
    return [folder for folder in (given or named or [DEFAULT_FOLDER]) if folder.is_dir()]


def present_papers(folders: Sequence[Path], manifest: Path = MANIFEST) -> list[CorpusPaper]:
    """The papers of the manifest in these folders and below them, in the manifest's order.

    A paper counts when its SHA-256 is that of the manifest and its folder has a record of it. The
    name of its file does not matter.
    """
    entries = json.loads(manifest.read_text("utf-8"))["papers"]
    sizes = {entry["bytes"] for entry in entries}
    paths = {
        _sha256(path): path
        for folder in folders
        for path in sorted(folder.rglob("*.pdf"))
        if path.stat().st_size in sizes
    }
    records = _records(folders)
    return [
        CorpusPaper(entry["file"], paths[entry["sha256"]], truth_of(records[entry["file"]]))
        for entry in entries
        if entry["sha256"] in paths and entry["file"] in records
    ]


def truth_of(record: Record) -> Truth:
    """The true content by a record; what it leaves out or leaves empty is unknown."""
    own_doi = record.get("doi") if record.get("set") in PRINTS_ITS_DOI else None
    return Truth(
        title=record.get("title") or None,
        authors=tuple(map(_family, record.get("authors") or ())) or None,
        abstract=record.get("abstract") or None,
        doi=own_doi or None,
        year=int(record["year"]) if record.get("year") else None,
        sections=tuple(text for _, text in record.get("sections") or () if normal(text)) or None,
        tables=tuple(_table(table) for table in record.get("tables") or () if table.get("rows"))
        or None,
        figures=tuple(_captions(record.get("figures") or ())) or None,
        references=tuple(map(_reference, record.get("references") or ())) or None,
    )


def _family(author: str | Mapping[str, str]) -> str:
    if isinstance(author, str):
        return author
    return author.get("family") or author.get("name") or ""


def _table(record: Record) -> TrueTable:
    rows: Rows = tuple(
        tuple(
            Cell(cell["t"], cell.get("rs") or 1, cell.get("cs") or 1, bool(cell.get("h")))
            for cell in row
        )
        for row in record["rows"]
    )
    return TrueTable(record.get("label") or "", record.get("caption") or "", rows)


def _captions(figures: Iterable[Record]) -> Iterator[str]:
    return (figure["caption"] for figure in figures if normal(figure.get("caption") or ""))


def _reference(record: Record) -> TrueReference:
    """Without the printed text: publishers' records hold it without its spaces and marks."""
    return TrueReference(title=record.get("title") or "", doi=record.get("doi") or "")


def _records(folders: Sequence[Path]) -> dict[str, Record]:
    return {
        record["pdf"]: record
        for folder in folders
        for file in sorted(folder.rglob(RECORDS))
        for record in map(json.loads, filter(str.strip, file.read_text("utf-8").splitlines()))
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_manifest(folders: Sequence[Path]) -> dict[str, Any]:
    """The manifest of all papers of these folders that have a record."""
    papers = {path.name: path for folder in folders for path in sorted(folder.rglob("*.pdf"))}
    entries = [
        {
            "file": name,
            "set": record.get("set"),
            "sha256": _sha256(papers[name]),
            "bytes": papers[name].stat().st_size,
            "licence": record.get("license"),
            "url": _source(record),
        }
        for name, record in sorted(_records(folders).items())
        if name in papers
    ]
    return {"about": ABOUT, "papers": entries}


def _source(record: Record) -> str | None:
    """The address of the DOI, or the archive's page of an article named by its number there."""
    if record.get("doi"):
        return f"https://doi.org/{record['doi']}"
    name = Path(record["pdf"]).stem
    return f"https://pmc.ncbi.nlm.nih.gov/articles/{name}/" if record.get("set") == "pmc" else None


def main(arguments: Sequence[str]) -> int:
    manifest = make_manifest([Path(text) for text in arguments])
    text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
    MANIFEST.write_text(text, "utf-8")
    print(f"{MANIFEST}: {len(manifest['papers'])} papers")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
