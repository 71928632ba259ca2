"""What papers say of themselves, and a scorer that compares: measures of others, none of our own.

The scorer is a Python file with `similar`, `f1`, `norm`, `family`, `heading`, `matched_f1`,
`table_score` and `reference_scores`; the truth is gold.jsonl beside the PDFs, one paper a line.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from domain.papers import Paper, Table

PRINTS_ITS_DOI = ("jose", "pmc")  # sets of gold.jsonl; papers of others do not have to
TITLE_ALIKE, ABSTRACT_ALIKE = 0.9, 0.8
Gold = Mapping[str, Any]
Score = tuple[str, float | None]


@dataclass(frozen=True, slots=True)
class Truth:
    """The scorer's measures, and the records of papers by path."""

    scorer: ModuleType
    gold: Mapping[Path, Gold]

    @property
    def papers(self) -> list[Path]:
        return list(self.gold)

    def scores(self, papers: Mapping[Path, Paper]) -> dict[str, float]:
        """The mean of each measure over the papers that it can be taken of; a paper that could not
        be read counts as one in which nothing was found."""
        found: dict[str, list[float]] = {}
        for path, gold in self.gold.items():
            paper = papers.get(path, Paper(None, (), ()))
            for name, score in _scores(self.scorer, paper, gold):
                if score is not None:
                    found.setdefault(name, []).append(score)
        return {name: sum(scores) / len(scores) for name, scores in found.items()}


def load_truth(folder: Path | None, scorer: Path | None, most: int) -> Truth | None:
    """The first `most` papers of a folder with their records; None where the scorer, the folder or
    its gold.jsonl is missing. Raises ValueError for a scorer that is no Python file."""
    if folder is None or scorer is None or not (folder / "gold.jsonl").exists():
        return None
    lines = (folder / "gold.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()]
    gold = {folder / one["pdf"]: one for one in records if (folder / one["pdf"]).exists()}
    return Truth(_module(scorer), dict(list(gold.items())[:most]))


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("scorer_of_papers", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _scores(scorer: Any, paper: Paper, gold: Gold) -> Iterator[Score]:
    yield from _of_metadata(scorer, paper, gold)
    if titles := [title for _, title in gold.get("sections") or () if scorer.norm(title)]:
        headings = [scorer.heading(section.title) for section in paper.sections]
        yield "sections", scorer.matched_f1(headings, [*map(scorer.heading, titles)])
    tables = [_as_answered(table) for table in paper.tables]
    for table in gold.get("tables") or ():
        if table.get("rows"):
            yield "tables", scorer.table_score(tables, table)
    if references := gold.get("references"):
        entries = [{"raw": one.raw, "title": one.title, "doi": one.doi} for one in paper.references]
        recall, precision = scorer.reference_scores(entries, references)
        yield from (("reference recall", recall), ("reference precision", precision))


def _of_metadata(scorer: Any, paper: Paper, gold: Gold) -> Iterator[Score]:
    known = paper.metadata
    yield "title", float(scorer.similar(paper.title, gold["title"]) >= TITLE_ALIKE)
    if gold.get("authors"):
        names = [scorer.family({"family": one.family, "name": one.name}) for one in known.authors]
        yield "authors", scorer.f1(names, [*map(scorer.family, gold["authors"])])
    if gold.get("abstract"):
        alike = scorer.f1(_words(scorer, known.abstract), _words(scorer, gold["abstract"]))
        yield "abstract", float((alike or 0) >= ABSTRACT_ALIKE)
    if gold.get("doi") and gold.get("set") in PRINTS_ITS_DOI:
        yield "doi", float((known.doi or "").lower() == gold["doi"].lower())
    if gold.get("year"):
        yield "year", float(str(known.year or "") == str(gold["year"]))


def _words(scorer: Any, text: str | None) -> Sequence[str]:
    return scorer.norm(text).split()


def _as_answered(table: Table) -> dict[str, Any]:
    """The table as the API answers it."""
    rows = [
        [{"text": one.text, "colspan": one.colspan, "rowspan": one.rowspan} for one in row]
        for row in table.rows
    ]
    return {"rows": rows}
