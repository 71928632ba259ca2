"""A file whose end is missing is reported as truncated."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import DamagedPdf, NoPages, TruncatedPdf
from extraction.__main__ import main
from extraction.paper import compose
from extraction.quality import review_reasons
from extraction.text.pdf import read_pages
from tests.pdf_builder.pages import make_pages


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_truncated_file_is_reported_as_truncated(
    share: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = make_pages("page one", "page two")
    path = tmp_path / "paper.pdf"
    path.write_bytes(whole[: max(20, int(share * len(whole)))])
    with pytest.raises(TruncatedPdf):
        read_pages(path)
    assert main([str(path)]) == 1
    assert "is truncated: the end of the file is missing" in capsys.readouterr().err


@pytest.mark.parametrize("cut", [0.5, 0.7, 0.9])
def test_paper_without_its_end_needs_a_review(cut: float, tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    whole = make_pages("page one", "page two", "page three")
    path.write_bytes(whole[: int(cut * len(whole))])
    reading = read_pages(path)
    assert reading.is_truncated
    assert any("end of the file" in reason for reason in review_reasons(compose(reading)))
    path.write_bytes(whole)
    assert not read_pages(path).is_truncated


def test_whole_file_without_pages_is_not_truncated(tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
    with pytest.raises((DamagedPdf, NoPages)) as refused:
        read_pages(path)
    assert not isinstance(refused.value, TruncatedPdf)


def test_file_with_bytes_behind_its_end_is_not_truncated(tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(make_pages("page one") + bytes(100_000))
    assert not read_pages(path).is_truncated


def test_beginning_of_linearized_file_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    first = b"%PDF-1.4\n1 0 obj\n<</Linearized 1/L 268566/H [ 1 2 ]>>\nendobj\n"
    path.write_bytes(first + b"trailer<</Root 3 0 R>>\nstartxref\n0\n%%EOF\n")
    with pytest.raises(TruncatedPdf):
        read_pages(path)
