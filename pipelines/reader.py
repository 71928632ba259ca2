"""A task -> what its step reads, with the PDF and earlier scans from the blob store."""

from __future__ import annotations

from collections.abc import Callable

from domain.errors import NotFound
from domain.jobs import Step, Task
from pipelines.layout.decide import LayoutMode
from pipelines.ocr.engines import OcrEngine
from pipelines.recipe import Recipe, blob_store
from pipelines.scans import dump_scans, load_scans
from pipelines.steps import Methods, Scans, StepRead, take_step
from stores.blob_store import artifact_key

SCANS = "scans"


def read_for(task: Task, recipe: Recipe, on_page: Callable[[int, int], None]) -> StepRead:
    """The paper as the task's step reads it; what OCR read is kept for the steps after it.

    Raises BadDocument, OcrUnavailable, BlobStoreUnavailable.
    """
    blobs = blob_store(recipe)
    key = artifact_key(task.document_id, task.version, SCANS)
    with blobs.open_local(task.sha256) as path:
        scans = _scans(key, recipe) if task.step is Step.LAYOUT else {}
        done = take_step(task.step, path, methods_of(recipe), scans, on_page)
    if done.scans:
        blobs.put_artifact(key, dump_scans(done.scans))
    return done


def methods_of(recipe: Recipe) -> Methods:
    """How this recipe reads papers."""
    return Methods(
        max_pages=recipe.max_pages,
        text_first_pages=recipe.text_first_pages,
        layout=LayoutMode(recipe.layout),
        ocr=OcrEngine(recipe.ocr),
        ocr_languages=recipe.ocr_languages,
        ocr_dpi=recipe.ocr_dpi,
        workers=recipe.ocr_workers,
    )


def _scans(key: str, recipe: Recipe) -> Scans:
    try:
        return load_scans(blob_store(recipe).read(key))
    except NotFound:  # no page of the paper needed OCR
        return {}
