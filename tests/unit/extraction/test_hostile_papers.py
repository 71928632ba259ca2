"""Hostile papers in the sandbox: each ends within limits, with a paper or a documented code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import BadDocument
from domain.jobs import Step
from extraction.options import OcrEngine, ReadOptions
from pipelines.config import PipelineConfig
from pipelines.extract import EXTRACT_STEP, WARM
from pipelines.extracted_paper import ExtractedPaper, check_extracted
from runtime.sandbox.client import Sandbox
from runtime.sandbox.limits import Limits
from tests.extraction_harness import extraction_config
from tests.hostile import COMPLETED, KINDS, OVER_THE_LIMITS, Hostile
from tests.mutants import mutants, valid_papers
from tests.paths import ROOT
from tests.records import make_task

pytestmark = pytest.mark.models  # the sandbox loads the layout model
MIB = 1024**2
MUTANTS, SEED = 40, 7
DOCUMENTED = ROOT / "docs" / "errors.md"
# Small, so that bombs end within seconds; a valid paper needs a tenth of these limits.
LIMITS = Limits(cpu_seconds=5, part_seconds=0.5, memory_bytes=512 * MIB, silent_seconds=120)


@pytest.fixture(scope="module")
def config() -> PipelineConfig:
    return extraction_config(read=ReadOptions(ocr=OcrEngine.OFF), limits=LIMITS)


@pytest.fixture(scope="module")
def sandbox(config: PipelineConfig) -> Iterator[Sandbox]:
    one = Sandbox(WARM, config)
    yield one
    one.close()


@pytest.fixture(scope="module")
def codes() -> set[str]:
    """The error codes of documents in docs/errors.md."""
    return set(re.findall(r"^\| `(\w+)` \| \d+ \| document \|", DOCUMENTED.read_text(), re.M))


def result_of(sandbox: Sandbox, config: PipelineConfig, path: Path) -> str:
    """Returns the error code of the paper, or "completed" after all steps."""
    step: Step | None = Step.READ_TEXT
    try:
        while step is not None:
            done: ExtractedPaper = sandbox.run(
                EXTRACT_STEP,
                task := make_task(step=step),
                config,
                None,
                limits=config.limits,
                file=path,
                returns=ExtractedPaper,
            )
            check_extracted(done, task, config)
            step = done.finished.next_step
    except BadDocument as error:
        return error.code
    return COMPLETED


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_hostile_paper_ends_with_expected_code(
    sandbox: Sandbox, config: PipelineConfig, codes: set[str], kind: Hostile, tmp_path: Path
) -> None:
    path = tmp_path / "hostile.pdf"
    path.write_bytes(kind.make())
    assert kind.results <= codes | {COMPLETED}
    assert result_of(sandbox, config, path) in kind.results


def test_mutant_sources_are_valid_papers(
    sandbox: Sandbox, config: PipelineConfig, tmp_path: Path
) -> None:
    path = tmp_path / "good.pdf"
    for paper in valid_papers():
        path.write_bytes(paper)
        assert result_of(sandbox, config, path) == COMPLETED


def test_mutants_end_with_paper_or_documented_code(
    sandbox: Sandbox, config: PipelineConfig, codes: set[str], tmp_path: Path
) -> None:
    path, results = tmp_path / "mutant.pdf", dict[str, str]()
    for mutant in mutants(valid_papers(), MUTANTS, SEED):
        path.write_bytes(mutant.content)
        results[mutant.name] = result_of(sandbox, config, path)
    assert set(results.values()) <= codes | {COMPLETED}, results
    assert len(results) == MUTANTS
    assert COMPLETED in results.values() and set(results.values()) - {COMPLETED} - OVER_THE_LIMITS


def test_mutants_are_deterministic_per_seed() -> None:
    papers = valid_papers()[:2]
    once, again, other = (list(mutants(papers, 20, seed)) for seed in (1, 1, 2))
    assert once == again and once != other
    assert sum(one.content not in papers for one in once) >= 18
