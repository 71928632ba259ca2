"""What it takes to read a paper without a service: a config, and a task that wants it read."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.jobs import Lane, Step, Task, TaskStatus
from domain.papers import Paper
from extraction.options import ExtractOptions, LayoutMode, OcrEngine
from extraction.steps import OnPage, read_text
from pipelines.config import PipelineConfig
from pipelines.embed_options import EmbedOptions


def reading_config(blob_uri: str = "memory://unused", **more: Any) -> PipelineConfig:
    """As the service reads, with a vector store that nobody asks."""
    plain = PipelineConfig(
        blob_uri=blob_uri,
        milvus_uri="",
        milvus_token_file=None,
        milvus_name="unused",
        embed=EmbedOptions(),
        dimension=384,
    )
    return replace(plain, **more)


def reading_task(step: Step = Step.READ_TEXT, sha256: str = "0" * 64) -> Task:
    """A task at work, at that step."""
    return Task(
        task_id=uuid.uuid4(),
        job_id="job",
        document_id="doc",
        collection="papers",
        version=1,
        sha256=sha256,
        filename="paper.pdf",
        lane=Lane.INTERACTIVE,
        status=TaskStatus.RUNNING,
        created_at=datetime.now(UTC),
        step=step,
    )


def read_text_layer(path: Path, *, max_pages: int = 2000, on_page: OnPage | None = None) -> Paper:
    """Returns the paper as its text layer has it. Raises what `read_text` raises."""
    options = ExtractOptions(max_pages=max_pages, layout=LayoutMode.OFF, ocr=OcrEngine.OFF)
    return read_text(path, options, on_page=on_page).paper
