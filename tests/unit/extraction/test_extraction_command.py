"""`python -m extraction` as a real process: output, messages and exit status."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.papers import (
    Author,
    Block,
    Box,
    Cell,
    Figure,
    Metadata,
    PageSize,
    Paper,
    Quality,
    Reference,
    Section,
    Table,
)
from extraction.export import paper_json
from extraction.serialization import PAPER
from tests.paths import ROOT
from tests.pdf_builder.pages import make_pages
from tests.pdf_builder.papers import STUDY, make_paper, make_study
from tests.pdf_builder.scans import make_scan

pytestmark = pytest.mark.slow  # starts a process per test

SAMPLES = sorted((ROOT / "samples").glob("*.pdf"))
FOREIGN_PACKAGES = ("ray", "fastapi", "sqlalchemy", "pymilvus", "torch", "stores", "serve_app")
Finished = subprocess.CompletedProcess[bytes]


def extraction(*arguments: object, **environment: str) -> Finished:
    return subprocess.run(
        [sys.executable, "-m", "extraction", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        timeout=120,
        check=False,
    )


def saved(folder: Path, data: bytes, name: str = "paper.pdf") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_extraction_command_prints_markdown(tmp_path: Path) -> None:
    done = extraction(saved(tmp_path, make_study()), LC_ALL="C", PYTHONUTF8="0")
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert text.startswith(f"# {STUDY}\n")
    assert "## 3 Results" in text
    assert "| Thyme | 10.05 | 64.20 | 0.88 |" in text
    assert "Leaves that count" in text


def test_extraction_command_prints_a_json_document(tmp_path: Path) -> None:
    path, out = saved(tmp_path, make_study()), tmp_path / "paper.json"
    done = extraction(path, "--format", "json", "--out", out, "--ocr", "off")
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    document = json.loads(out.read_text("utf-8"))
    assert list(document) == ["format", "version", "file", "review_reasons", "paper"]
    assert (document["format"], document["version"]) == ("paperworks-paper", 1)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert document["file"] == {"name": "paper.pdf", "sha256": digest}
    paper = PAPER.validate_python(document["paper"], strict=False)
    assert paper.metadata.title == STUDY
    assert [section.title for section in paper.own_sections][-1] == "Conclusion"
    assert [cell.text for cell in paper.tables[0].rows[1]] == ["Mint", "1.25", "81.07", "0.31"]
    assert paper.references[0].doi == "10.1234/made.2019.12"


DESCRIBED = (
    *(Paper, PageSize, Block, Box, Section, Reference, Metadata, Author, Table, Cell, Figure),
    Quality,
)


@pytest.mark.parametrize("kind", DESCRIBED)
def test_json_document_describes_every_field(kind: type[Any]) -> None:
    assert is_dataclass(kind)
    described = paper_json.__doc__ or ""
    assert [field.name for field in fields(kind) if field.name not in described] == []


def test_extraction_command_prints_plain_text(tmp_path: Path) -> None:
    done = extraction(saved(tmp_path, make_study()), "--format", "text", "--layout", "off")
    paragraphs = done.stdout.decode().strip().split("\n\n")
    assert done.returncode == 0, done.stderr
    assert paragraphs[0] == STUDY and "1 Introduction" in paragraphs


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_extraction_command_reads_the_samples(path: Path) -> None:
    done = extraction(path)
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert text.startswith("# ") and "\n## 1 Introduction\n" in text
    assert "\n## References\n" in text


def test_extraction_command_reads_a_scan_by_ocr(tmp_path: Path) -> None:
    pdf = make_paper("Green Synthesis of Silver Nanoparticles", columns=1)
    path = saved(tmp_path, make_scan(pdf, dpi=150))
    read = extraction(path)
    assert read.returncode == 0, read.stderr
    assert b"nanoparticles were made" in read.stdout
    refused = extraction(path, "--ocr", "off")
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"No text was found" in refused.stderr and b"--ocr auto" in refused.stderr


CUT_OFF = b"%PDF-1.4 cut off"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (CUT_OFF, "The PDF is truncated: the end of the file is missing. Download it again."),
        (b"<html>no PDF</html>", "The file is not a PDF"),
        (b"", "The file is not a PDF"),
        (make_paper(password="secret"), "needs a password. Save a copy without a password"),
        (make_pages("", ""), "No text was found in the PDF."),
    ],
    ids=["damaged", "not a PDF", "empty", "encrypted", "without text"],
)
def test_unreadable_pdf_gives_status_one_and_a_message(
    data: bytes, message: str, tmp_path: Path
) -> None:
    path, out = saved(tmp_path, data), tmp_path / "out.md"
    done = extraction(path, "--out", out)
    report = done.stderr.decode()
    assert (done.returncode, done.stdout) == (1, b""), report
    assert report.startswith(f"{path}: ") and message in report and "Nothing was written." in report
    assert len(report.splitlines()) == 1 and not out.exists()


def test_too_many_pages_name_the_option(tmp_path: Path) -> None:
    done = extraction(saved(tmp_path, make_pages("One.", "Two.", "Three.")), "--max-pages", 2)
    assert done.returncode == 1
    assert b"more than 2 pages. Raise --max-pages, or split the PDF." in done.stderr


def test_unwritable_output_gives_status_one(tmp_path: Path) -> None:
    path = saved(tmp_path, make_pages("One line of text."))
    done = extraction(path, "--out", "/dev/full")
    assert done.returncode == 1
    assert b"/dev/full: No space left on device. Check the path" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such.pdf"], "no-such.pdf is not a file"),
        ([], "required: paper.pdf"),
        (["{pdf}", "--format", "docx"], "invalid choice: 'docx'"),
        (["{pdf}", "--max-pages", "0"], "--max-pages must be 1 or more"),
        (["{pdf}", "--out", "no-such-folder/out.md"], "does not exist. Create it first."),
        (["{pdf}", "--out", "{folder}"], "is a folder. Give the path of a file."),
    ],
)
def test_wrong_arguments_give_status_two(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, make_pages("One line of text."))
    done = extraction(*(argument.format(pdf=path, folder=tmp_path) for argument in arguments))
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()


def test_doubtful_result_is_reported_on_stderr(tmp_path: Path) -> None:
    path = saved(tmp_path, make_pages("One line of text."))
    done = extraction(path)
    assert done.returncode == 0
    assert f"{path}: check the result: no authors found." in done.stderr.decode()


def test_closed_pipe_ends_the_command_without_a_traceback() -> None:
    command = f"{sys.executable} -m extraction {SAMPLES[0]} | true"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, timeout=120, check=False
    )
    assert b"Traceback" not in done.stderr


def test_extraction_command_imports_no_service() -> None:
    check = f"import sys, extraction.__main__; print({set(FOREIGN_PACKAGES)} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, timeout=120, check=True
    )
    assert done.stdout == b"set()\n"
