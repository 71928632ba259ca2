"""The gallery: page images with the extraction results, and the HTML pages with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.papers import (
    Block,
    BlockKind,
    Box,
    Cell,
    Figure,
    PageSize,
    Paper,
    Section,
    Table,
    TableSource,
)
from extraction.text.mupdf import pymupdf
from tests.pdf_builder.papers import make_paper
from tests.quality.debug_overlay import main, make_gallery, marks_of


def _paper() -> Paper:
    blocks = (
        Block(BlockKind.HEADING, "1 Methods", (Box(1, 60, 60, 200, 75),), 0),
        Block(BlockKind.TEXT, "Over two pages.", (Box(1, 60, 80, 200, 95), Box(2, 60, 60, 99, 75))),
    )
    table = Table(
        1,
        "Table 1",
        "Runs <i>",
        (Box(1, 60, 100, 300, 200), Box(2, 60, 80, 300, 120)),
        ((Cell("run", header=True),), (Cell("5 < 6"),)),
        TableSource.RULED,
    )
    return Paper(
        "A paper",
        (PageSize(1, 595, 842), PageSize(2, 595, 842)),
        blocks,
        (Section(0, 1, "1", "Methods", 1, Box(1, 60, 60, 200, 75)),),
        tables=(table,),
        figures=(Figure(1, "Figure 1", "Leaves", Box(2, 60, 300, 300, 500)),),
    )


def test_debug_overlay_marks_block_order_and_labels() -> None:
    first, second = marks_of(_paper(), 1), marks_of(_paper(), 2)
    assert [mark.label for mark in first] == ["1", "2", "level 1", "Table 1"]
    assert [mark.label for mark in second] == ["2", "Table 1", "Figure 1"]
    assert first[0].colour != first[1].colour


def test_debug_overlay_has_colour_for_every_block_kind() -> None:
    for kind in BlockKind:
        block = Block(kind, "text", (Box(1, 0, 0, 10, 10),))
        assert len(marks_of(Paper(None, (), (block,)), 1)) == 1


def test_debug_overlay_writes_gallery_of_folder(tmp_path: Path) -> None:
    papers, out = tmp_path / "papers", tmp_path / "out"
    papers.mkdir()
    (papers / "silver.pdf").write_bytes(make_paper("Silver & Gold"))
    (papers / "damaged.pdf").write_bytes(b"no pdf at all")
    shown = make_gallery([papers], out, dpi=50)
    assert [(one.folder, one.paper is None) for one in shown] == [
        ("damaged", True),
        ("silver", False),
    ]
    index = (out / "index.html").read_text()
    assert "silver/index.html" in index and "Silver &amp; Gold" in index
    page = (out / "silver" / "index.html").read_text()
    assert 'src="page-001.png"' in page and "Introduction" in page
    drawn = pymupdf.Pixmap((out / "silver" / "page-001.png").read_bytes())
    assert abs(drawn.width - 595 * 50 / 72) < 2
    assert drawn.color_count() > 2 and not drawn.is_monochrome


def test_debug_overlay_keeps_papers_of_equal_name_apart(tmp_path: Path) -> None:
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "paper.pdf")
        paths[-1].write_bytes(make_paper(f"Paper {folder}"))
    shown = make_gallery(paths, tmp_path / "out", dpi=30)
    assert [one.folder for one in shown] == ["paper", "paper-2"]
    assert "Paper a" in (tmp_path / "out" / "paper" / "index.html").read_text()


def test_debug_overlay_command_reports_failures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.pdf", tmp_path / "bad.pdf"
    good.write_bytes(make_paper())
    bad.write_bytes(b"%PDF-1.4 cut off")
    out = tmp_path / "out"
    assert main([str(good), "--out", str(out), "--dpi", "30"]) == 0
    assert main([str(bad), "--out", str(out)]) == 1
    assert "bad: " in capsys.readouterr().out
    assert main([str(tmp_path / "out"), "--out", str(out)]) == 1
