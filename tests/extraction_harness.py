"""Extraction without a service: a pipeline configuration, and the text layer of a PDF."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.papers import Paper
from embedding.embed_options import EmbedOptions
from embedding.load import resolve_model
from embedding.token_format import token_format
from extraction.options import ExtractOptions, LayoutMode, OcrEngine
from extraction.steps import OnPage, read_text
from pipelines.config import PipelineConfig


def extraction_config(blob_uri: str = "memory://unused", **more: Any) -> PipelineConfig:
    """Returns the default configuration of the service; the vector store is unused."""
    plain = PipelineConfig(
        blob_uri=blob_uri,
        milvus_uri="",
        milvus_token_file=None,
        milvus_name="unused",
        embed=EmbedOptions(),
        dimension=384,
        tokens=token_format(resolve_model(EmbedOptions().name)),
    )
    return replace(plain, **more)


def read_text_layer(path: Path, *, max_pages: int = 2000, on_page: OnPage | None = None) -> Paper:
    """Returns the paper from the text layer only. Raises the errors of `read_text`."""
    options = ExtractOptions(max_pages=max_pages, layout=LayoutMode.OFF, ocr=OcrEngine.OFF)
    return read_text(path, options, on_page=on_page).paper
