"""The work of the sandbox: extracts a PDF and cuts it into chunks, ready to be indexed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.documents import Chunk
from domain.jobs import CitationKey, Step, StepResult, Task
from domain.options import select_options
from domain.papers import Paper
from extraction.citations.match import match_key
from extraction.ocr.ocr_cache import dump_scans, load_scans
from extraction.options import ExtractOptions
from extraction.quality import quality_report
from extraction.serialization import dump_paper
from extraction.steps import STEP_FUNCTIONS, OnPage, can_ocr, read_text
from extraction.warmup_pdf import write_warmup_pdf
from pipelines.chunking.chunk import split_paper
from pipelines.config import PipelineConfig, chunk_tokenizer
from pipelines.extracted_paper import ExtractedPaper


def warm(config: PipelineConfig) -> None:
    """Loads what every paper needs by extracting a small PDF.

    The tokenizer is loaded but not used: its threads would not survive a fork. The OCR version is
    read here, because most children may not start programs.
    """
    chunk_tokenizer(config)
    can_ocr(extract_options(config))
    with TemporaryDirectory(prefix="paperworks-") as folder:
        path = Path(folder) / "specimen.pdf"
        write_warmup_pdf(path)
        prepared(read_text(path, extract_options(config)).paper, ())


def extract_step(
    path: Path, task: Task, config: PipelineConfig, scans: bytes | None, on_page: OnPage
) -> ExtractedPaper:
    """Returns the result of the task's step for the PDF at `path`.

    `scans`: the serialized lines that OCR read in an earlier step. Raises BadDocument and
    OcrUnavailable.
    """
    options, lines = extract_options(config), load_scans(scans) if scans else {}
    done = STEP_FUNCTIONS[task.step](path, options, lines, on_page)
    chunks, tokens = split_paper(
        done.paper,
        document_id=task.document_id,
        version=task.version,
        tokenizer=chunk_tokenizer(config),
        max_tokens=config.embed.max_tokens,
    )
    scanned = dump_scans(done.scans) if done.scans else None
    paper = prepared(done.paper, chunks, done.next_step, scanned)
    return replace(paper, token_ids=tokens.ids.tobytes()) if config.tokens else paper


def prepared(
    paper: Paper, chunks: Sequence[Chunk], next_step: Step | None = None, scans: bytes | None = None
) -> ExtractedPaper:
    """Returns the paper and its chunks, ready to be indexed."""
    return ExtractedPaper(chunks, dump_paper(paper), _facts(paper, len(chunks), next_step), scans)


def extract_options(config: PipelineConfig) -> ExtractOptions:
    """Returns the read options and the parallelism of this process."""
    return select_options(ExtractOptions, config.read, ocr_workers=config.ocr_workers)


def _facts(paper: Paper, chunks: int, next_step: Step | None) -> StepResult:
    report = quality_report(paper)
    looked = paper.quality.layout_done
    return StepResult(
        metadata=paper.metadata,
        pages=len(paper.pages),
        chunks=chunks,
        sections=len(paper.own_sections),
        references=len(paper.references),
        tables=len(paper.tables) if looked else None,
        figures=len(paper.figures) if looked else None,
        title_key=match_key(
            paper.metadata.title, paper.metadata.year, next(iter(paper.metadata.authors), None)
        ),
        cited=tuple(_cited(paper)),
        quality=report,
        needs_review=bool(report["reasons"]),
        next_step=next_step,
    )


def _cited(paper: Paper) -> Iterator[CitationKey]:
    for one in paper.references:
        key = match_key(one.title, one.year, next(iter(one.authors), None))
        if one.doi or one.arxiv_id or key:
            yield CitationKey(one.ordinal, _plain(one.doi), _plain(one.arxiv_id), key, one.year)


def _plain(identifier: str | None) -> str | None:
    """Returns the identifier in lower case, as stored: DOIs and arXiv ids are case-insensitive."""
    return identifier.lower() if identifier else None
