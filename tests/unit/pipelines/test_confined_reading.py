"""Sandboxed and unconfined extraction give equal results: text, both OCR engines, layout model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.jobs import Step
from extraction.ocr.engines import available_engines
from extraction.options import LayoutMode, OcrEngine, ReadOptions
from pipelines.config import PipelineConfig
from pipelines.extract import EXTRACT_STEP, WARM
from pipelines.extracted_paper import ExtractedPaper, check_extracted
from runtime.sandbox.client import Sandbox
from runtime.sandbox.confine import SandboxMode, kernel_support
from tests.extraction_harness import extraction_config
from tests.paths import ROOT
from tests.pdf_builder.canvas import LOREM
from tests.pdf_builder.papers import Part, make_paper
from tests.pdf_builder.scans import make_scan
from tests.records import make_task

pytestmark = pytest.mark.models
SAMPLES = sorted((ROOT / "samples").glob("*.pdf"))
INSTALLED = {installed.engine for installed in available_engines()}
STRICT = SandboxMode.AUTO if kernel_support().missing else SandboxMode.REQUIRE


@contextmanager
def both(config: PipelineConfig) -> Iterator[tuple[Sandbox, Sandbox]]:
    """Yields a sandbox with confinement, and one without."""
    confined = Sandbox(WARM, config, mode=STRICT)
    unconfined = Sandbox(WARM, config, mode=SandboxMode.OFF)
    yield confined, unconfined
    confined.close()
    unconfined.close()


def all_steps(sandbox: Sandbox, config: PipelineConfig, path: Path) -> list[ExtractedPaper]:
    """The results of all steps of the paper."""
    done, step, scans = list[ExtractedPaper](), Step.READ_TEXT, None
    while step is not None:
        answer = sandbox.run(
            EXTRACT_STEP,
            task := make_task(step=step),
            config,
            scans,
            limits=config.limits,
            file=path,
            returns=ExtractedPaper,
            may_start_programs=step is Step.OCR,
        )
        check_extracted(answer, task, config)
        done.append(answer)
        step, scans = answer.finished.next_step, answer.scans
    return done


def test_sandboxed_extraction_equals_unconfined_for_samples() -> None:
    with both(config := extraction_config()) as (confined, unconfined):
        for path in SAMPLES:
            assert all_steps(confined, config, path) == all_steps(unconfined, config, path)


@pytest.mark.parametrize("engine", [OcrEngine.TESSERACT, OcrEngine.RAPIDOCR])
def test_sandboxed_extraction_equals_unconfined_for_scan(engine: OcrEngine, tmp_path: Path) -> None:
    if engine not in INSTALLED:
        pytest.skip(f"{engine} is not installed")
    path = tmp_path / "scan.pdf"
    paper = make_paper(parts=[Part("1 Introduction", [LOREM])], abstract="")  # short: OCR is slow
    path.write_bytes(make_scan(paper))
    read = ReadOptions(ocr=engine, ocr_dpi=100, layout=LayoutMode.OFF)
    with both(config := extraction_config(read=read)) as two:
        confined, unconfined = (all_steps(sandbox, config, path) for sandbox in two)
    assert confined[1].finished.chunks and confined[1].scans
    assert confined == unconfined


def test_sandboxed_extraction_equals_unconfined_with_layout_model() -> None:
    with both(config := extraction_config(read=ReadOptions(layout=LayoutMode.ALWAYS))) as two:
        confined, unconfined = (all_steps(sandbox, config, SAMPLES[0]) for sandbox in two)
    assert len(confined) == 2 and confined[1].finished.figures
    assert confined == unconfined
