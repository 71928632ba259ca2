"""The quality scorer on known pairs, the truth of generated papers, the runner's exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import DamagedPdf
from domain.papers import (
    Author,
    Block,
    BlockKind,
    Box,
    Cell,
    Figure,
    Metadata,
    Paper,
    Reference,
    Section,
    Table,
    TableSource,
)
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.pages import make_pages
from tests.quality import records, run
from tests.quality.generated import LAYOUTS, generate
from tests.quality.prose import Prose
from tests.quality.scorer import FIELDS, letters, mean_scores, normal, relations, score
from tests.quality.truth import TrueReference, TrueTable, Truth

BOX = Box(1, 0, 0, 10, 10)
PROSE = Prose("test of the scorer")
ROWS = (
    (Cell("Site", rowspan=2), Cell("Layers", colspan=2)),
    (Cell("upper"), Cell("lower")),
    (Cell("Dover"), Cell("1.5"), Cell("2.5")),
    (Cell("Évora"), Cell(""), Cell("7.1")),
)
TRUTH = Truth(
    title="Silver in the Leaves of Four Herbs",
    authors=("Okafor", "de Vries", "Müller-Schmidt"),
    abstract=PROSE.paragraph(4),
    doi="10.5555/silver.2021.7",
    year=2021,
    sections=("Introduction", "Methods", "Samples of leaves", "Results"),
    tables=(TrueTable("Table 1", "Yields by site.", ROWS),),
    figures=("Flasks after an hour of light.", "The second run in the dark."),
    references=tuple(
        TrueReference(f"A. Author. {entry.title}. {entry.venue}, {entry.year}.", entry.title)
        for entry in PROSE.entries(4)
    ),
    paragraphs=tuple(PROSE.paragraph(4) for _ in range(5)),
)


def paper_of(truth: Truth) -> Paper:
    """The paper as a perfect reader extracts it."""
    authors = [Author(f"X. {name}", "X.", name) for name in truth.authors or ()]
    metadata = Metadata(truth.title, tuple(authors), truth.abstract, doi=truth.doi, year=truth.year)
    return Paper(
        truth.title,
        (),
        tuple(Block(BlockKind.TEXT, text, (BOX,)) for text in truth.paragraphs or ()),
        tuple(
            Section(place, 1, str(place), text, 1, BOX)
            for place, text in enumerate(truth.sections or ())
        ),
        tuple(
            Reference(place, f"[{place}] {entry.raw}", 1, title=entry.title)
            for place, entry in enumerate(truth.references or (), 1)
        ),
        metadata,
        tuple(
            Table(1, table.label, table.caption, (BOX,), table.rows, TableSource.RULED)
            for table in truth.tables or ()
        ),
        tuple(Figure(1, "Figure 1", caption, BOX) for caption in truth.figures or ()),
    )


PERFECT = paper_of(TRUTH)


def with_metadata(**changes: object) -> Paper:
    return replace(PERFECT, metadata=replace(PERFECT.metadata, **changes))  # type: ignore[arg-type]


def with_blocks(change: Callable[[list[Block]], list[Block]]) -> Paper:
    return replace(PERFECT, blocks=tuple(change(list(PERFECT.blocks))))


def with_rows(*rows: tuple[Cell, ...]) -> Paper:
    return replace(PERFECT, tables=(replace(PERFECT.tables[0], rows=rows),))


def interleaved(blocks: list[Block]) -> list[Block]:
    """The second and the third paragraph as when two columns are read line by line."""
    left, right = blocks[1].text.split(), blocks[2].text.split()
    mixed = [
        word
        for place in range(0, len(left), 6)
        for word in left[place : place + 6] + right[place : place + 6]
    ]
    return [blocks[0], replace(blocks[1], text=" ".join(mixed)), *blocks[3:]]


EXTRA_ENTRIES = tuple(Reference(n, f"An extra entry, number {n}", 1) for n in range(4))
SHUFFLED_CELLS = (*ROWS[:2], (Cell("1.5"), Cell("Dover"), Cell("2.5")), ROWS[3])
DEFECTS: dict[str, tuple[Paper, set[str]]] = {
    "title": (with_metadata(title="Journal of Herbs"), {"title"}),
    "missing author": (with_metadata(authors=PERFECT.metadata.authors[:2]), {"authors"}),
    "cut abstract": (with_metadata(abstract=(TRUTH.abstract or "")[:90]), {"abstract"}),
    "other doi": (with_metadata(doi="10.5555/cited.1"), {"doi"}),
    "other year": (with_metadata(year=2020), {"year"}),
    "missing heading": (replace(PERFECT, sections=PERFECT.sections[1:]), {"sections"}),
    "no table": (replace(PERFECT, tables=()), {"table_structure", "table_cells"}),
    "wrong cell": (
        with_rows(*ROWS[:3], (Cell("Évora"), Cell(""), Cell("71"))),
        {"table_structure", "table_cells"},
    ),
    "swapped cells": (with_rows(*SHUFFLED_CELLS), {"table_structure"}),
    "missing figure": (replace(PERFECT, figures=PERFECT.figures[:1]), {"figures"}),
    "missing reference": (
        replace(PERFECT, references=PERFECT.references[1:]),
        {"reference_recall", "reference_text"},
    ),
    "extra references": (
        replace(PERFECT, references=PERFECT.references + EXTRA_ENTRIES),
        {"reference_precision", "reference_text"},
    ),
    "missing paragraph": (with_blocks(lambda blocks: blocks[1:]), {"paragraphs", "reading_order"}),
    "swapped paragraphs": (
        with_blocks(lambda blocks: [blocks[1], blocks[0], *blocks[2:]]),
        {"reading_order"},
    ),
    "interleaved columns": (with_blocks(interleaved), {"paragraphs", "reading_order"}),
}


def test_scorer_gives_perfect_paper_one_in_every_field() -> None:
    assert score(PERFECT, TRUTH) == {name: [1.0] for name in FIELDS}


@pytest.mark.parametrize("defect", DEFECTS)
def test_scorer_lowers_only_fields_of_the_defect(defect: str) -> None:
    paper, lowered = DEFECTS[defect]
    scores = score(paper, TRUTH)
    assert {name for name, values in scores.items() if values[0] < 1} == lowered


def test_scorer_gives_empty_paper_zero() -> None:
    assert score(Paper(None, (), ()), TRUTH) == {name: [0.0] for name in FIELDS}


def test_scorer_skips_fields_without_ground_truth() -> None:
    assert score(PERFECT, Truth(title=TRUTH.title)) == {"title": [1.0]}


def test_scorer_ignores_case_accents_ligatures_and_hyphens_at_line_ends() -> None:
    assert normal("Eﬃcient  ÅRHUS’s α-Évora") == "efficient arhus s evora"
    assert normal("Сток РЕК, 5") == "сток рек 5"
    assert letters("confi-\ndence 12") == letters("Confidence")


def test_adjacency_relations_span_and_skip_blank_cells() -> None:
    pairs = relations(ROWS)
    assert pairs["site", "layers", "right"] == 1
    assert pairs["site", "dover", "down"] == 1
    assert pairs["evora", "7 1", "right"] == 1
    assert pairs["upper", "1 5", "down"] == 1


def test_mean_counts_every_table_once() -> None:
    papers = [{"table_cells": [1.0, 0.0, 0.5]}, {"table_cells": [1.0], "title": [0.0]}]
    assert mean_scores(papers) == {"title": 0.0, "table_cells": 0.625}


# The generated papers


def printed(pdf: bytes) -> str:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return "\n".join(str(document[number].get_text()) for number in range(document.page_count))


@pytest.mark.parametrize("name", LAYOUTS)
def test_generated_paper_contains_its_ground_truth(name: str) -> None:
    paper = generate(name)
    truth, text = paper.truth, printed(paper.pdf)
    only_letters, words = letters(text), set(normal(text).split())
    single = [truth.title or "", *(truth.authors or ()), *(truth.sections or ())]
    single += [*(truth.figures or ()), *(table.caption for table in truth.tables or ())]
    assert [text for text in single if letters(text) not in only_letters] == []
    cells = {cell.text for table in truth.tables or () for row in table.rows for cell in row}
    assert [cell for cell in cells if not set(normal(cell).split()) <= words] == []
    for field, texts in (
        ("paragraphs", truth.paragraphs or ()),
        ("references", [entry.raw for entry in truth.references or ()]),
    ):
        whole = [letters(part) in only_letters for part in texts]
        assert len(set(texts)) == len(texts) >= 5, field
        # A page's header and an order of drawing that is no reading order come in between.
        assert sum(whole) >= 0.5 * len(whole) or name == "figure_pages", field
    if truth.doi:
        assert letters(truth.doi) in only_letters
    if truth.year:
        assert str(truth.year) in text


@pytest.mark.slow
def test_generated_papers_are_deterministic() -> None:
    assert len(LAYOUTS) == len({repr(make().style) for make in LAYOUTS.values()}) == 20
    first, second = generate("mathematics"), generate("mathematics")
    assert first.truth == second.truth
    assert printed(first.pdf) == printed(second.pdf)


# The runner


def quality(*arguments: object, folder: Path, read: run.Reader = run.read_without_ocr) -> int:
    """Exit status for two generated papers and no open-access ones."""
    fixed = ["--workers", "1", "--only", "plain_article", "--only", "german_report"]
    fixed += ["--papers", str(folder), "--baseline", str(folder / "baseline.json")]
    return run.main([*fixed, *map(str, arguments)], read)


def read_without_references(path: Path) -> Paper:
    return replace(run.read_without_ocr(path), references=())


def read_nothing(path: Path) -> Paper:
    raise DamagedPdf


@pytest.mark.slow
def test_quality_run_fails_on_a_seeded_regression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality(folder=tmp_path) == 1
    assert "holds no baseline. Run with --update-baseline" in capsys.readouterr().out
    assert quality("--update-baseline", folder=tmp_path) == 0
    assert quality(folder=tmp_path) == 0
    output = capsys.readouterr().out
    assert "Regressions beyond 0.002: none" in output and "only the generated ones" in output
    assert quality(folder=tmp_path, read=read_without_references) == 1
    output = capsys.readouterr().out
    assert "Regressions beyond 0.002: generated reference_recall (-1.0000)" in output
    assert "plain_article: reference_recall 1.0000 -> 0.0000" in output


@pytest.mark.slow
def test_quality_run_scores_unreadable_paper_as_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality("--update-baseline", folder=tmp_path) == 0
    assert quality(folder=tmp_path, read=read_nothing) == 1
    output = capsys.readouterr().out
    assert "plain_article could not be read: The PDF is damaged" in output
    assert "generated title (-1.0000)" in output


@pytest.mark.slow
def test_quality_run_reports_improvements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quality("--update-baseline", folder=tmp_path)
    file = tmp_path / "baseline.json"
    baseline = json.loads(file.read_text())
    baseline["generated"]["plain_article"]["title"] = [0.0]
    file.write_text(json.dumps(baseline))
    assert quality(folder=tmp_path) == 0
    assert "Improvements beyond 0.002: generated title (+0.5000)" in capsys.readouterr().out


def test_quality_run_tolerates_small_decrease() -> None:
    assert not run.Comparison("generated", "title", 20, 0.9, 0.8981).is_regression
    assert run.Comparison("generated", "title", 20, 0.9, 0.8979).is_regression
    assert run.Comparison("generated", "title", 20, 0.9, None).is_regression


def test_quality_baseline_covers_every_layout_and_every_paper_of_the_manifest() -> None:
    baseline = json.loads(run.BASELINE.read_text("utf-8"))
    manifest = json.loads(records.MANIFEST.read_text("utf-8"))
    assert set(baseline["generated"]) == set(LAYOUTS)
    assert set(baseline["corpus"]) == {entry["file"] for entry in manifest["papers"]}
    for papers in (baseline["generated"], baseline["corpus"]):
        for scores in papers.values():
            assert set(scores) <= set(FIELDS)


# The papers of the manifest

RECORD = {
    "pdf": "one.pdf",
    "set": "pmc",
    "title": "One line",
    "authors": ["Ada B. Lovelace", {"family": "Hopper", "given": "Grace"}],
    "doi": "10.5555/one",
    "abstract": "",
    "sections": [[1, "Methods"], [2, "—"]],
    "tables": [{"rows": [[{"t": "a", "cs": 2, "rs": 1, "h": True}], [{"t": "b"}, {"t": "c"}]]}],
    "figures": [{"label": "Fig. 1", "caption": "A line."}],
    "references": [{"title": "Another line", "doi": "", "raw": "squeezedtogether"}],
}


def test_manifest_papers_are_found_by_their_sha256(tmp_path: Path) -> None:
    folder, manifest = tmp_path / "some" / "papers", tmp_path / "manifest.json"
    folder.mkdir(parents=True)
    pdf = make_pages("One line of text.")
    (folder / "one.pdf").write_bytes(pdf)
    (folder / records.RECORDS).write_text(json.dumps(RECORD) + "\n")
    manifest.write_text(json.dumps(records.make_manifest([folder])))
    (folder / "one.pdf").rename(folder / "renamed.pdf")
    (found,) = records.present_papers([tmp_path], manifest)
    assert (found.name, found.path.name) == ("one.pdf", "renamed.pdf")
    (folder / "renamed.pdf").write_bytes(pdf[:-1] + b" ")
    assert records.present_papers([tmp_path], manifest) == []
    assert records.present_papers([], manifest) == []


def test_record_conversion_leaves_missing_fields_none() -> None:
    truth = records.truth_of(RECORD)
    assert truth.authors == ("Ada B. Lovelace", "Hopper")
    assert truth.abstract is None and truth.year is None and truth.paragraphs is None
    assert truth.doi == "10.5555/one" and truth.sections == ("Methods",)
    assert truth.tables and truth.tables[0].rows[0] == (Cell("a", 1, 2, True),)
    assert truth.references == (TrueReference(title="Another line"),)
    assert records.truth_of(RECORD | {"set": "other"}).doi is None


def test_folders_of_papers_come_from_the_option_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(records.VARIABLE, f"{tmp_path}:{tmp_path / 'missing'}")
    assert records.folders_of_papers([]) == [tmp_path]
    assert records.folders_of_papers([Path("/")]) == [Path("/")]
    monkeypatch.delenv(records.VARIABLE)
    monkeypatch.setattr(records, "DEFAULT_FOLDER", tmp_path / "missing")
    assert records.folders_of_papers([]) == []
