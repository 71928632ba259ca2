"""A task -> what its step reads, with the PDF and earlier scans from the blob store."""

from __future__ import annotations

from functools import lru_cache

from domain.errors import BadDocument, NotFound, OcrUnavailable
from domain.jobs import Step, Task
from pipelines.config import PipelineConfig, blob_store
from pipelines.extracted_paper import ExtractedPaper, check_extracted
from runtime.sandbox.client import ProgressCallback, Sandbox
from stores.blobs.blob_store import artifact_key

SCANS = "scans"
# By name: what they import is for the sandbox alone.
WARM, EXTRACT_STEP = "pipelines.extract_worker:warm", "pipelines.extract_worker:extract_step"


def extract_task(task: Task, recipe: PipelineConfig, watch: ProgressCallback) -> ExtractedPaper:
    """The paper as the task's step reads it, in a sandbox; what OCR read is kept for later steps.

    `watch` hears of pages, as in `Sandbox.run`. Raises what that does, BadDocument, OcrUnavailable,
    BlobStoreUnavailable.
    """
    blobs = blob_store(recipe)
    key = artifact_key(task.document_id, task.version, SCANS)
    scans = _scans(key, recipe) if task.step is Step.LAYOUT else None
    with blobs.open_local(task.sha256) as path:
        try:
            done: ExtractedPaper = _sandbox(recipe).run(
                EXTRACT_STEP,
                task,
                recipe,
                scans,
                limits=recipe.limits,
                file=path,
                returns=ExtractedPaper,
                may_start_programs=task.step is Step.OCR,  # Tesseract
                on_progress=watch,
            )
            check_extracted(done, task, recipe.read.max_pages, recipe.embed.max_tokens)
        except OcrUnavailable:
            _sandbox(recipe).close()  # the next one looks again what is installed
            raise
        except BadDocument:
            blobs.check_readable(task.sha256)  # else it is the store's fault, not the paper's
            raise
    if done.scans:
        blobs.put_artifact(key, done.scans)
    return done


@lru_cache(maxsize=4)
def _sandbox(recipe: PipelineConfig) -> Sandbox:
    """The process's sandbox."""
    return Sandbox(WARM, recipe, mode=recipe.sandbox)


def _scans(key: str, recipe: PipelineConfig) -> bytes | None:
    try:
        return blob_store(recipe).read(key)
    except NotFound:  # no page of the paper needed OCR
        return None
