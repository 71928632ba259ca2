"""Runs the extraction step of a task in the sandbox, on the PDF from the blob store."""

from __future__ import annotations

from functools import lru_cache

from domain.errors import BadDocument, NotFound, OcrUnavailable
from domain.jobs import STEPS, Task
from pipelines.config import PipelineConfig, blob_store
from pipelines.extracted_paper import ExtractedPaper, check_extracted
from runtime.sandbox.client import ProgressCallback, Sandbox
from stores.blobs.blob_store import artifact_key

SCANS = "scans"
# By name, because only the sandbox imports these modules.
WARM, EXTRACT_STEP = "pipelines.extract_worker:warm", "pipelines.extract_worker:extract_step"


def extract_task(task: Task, config: PipelineConfig, watch: ProgressCallback) -> ExtractedPaper:
    """Returns the paper after the task's step. Keeps the lines that OCR read for later steps.

    `watch` receives page progress, as in `Sandbox.run`. Raises the errors of `Sandbox.run`,
    BadDocument, OcrUnavailable and BlobStoreUnavailable.
    """
    blobs = blob_store(config)
    key = artifact_key(task.document_id, task.version, SCANS)
    scans = _scans(key, config) if STEPS[task.step].reads_scans else None
    with blobs.open_local(task.sha256) as path:
        try:
            done: ExtractedPaper = _sandbox(config).run(
                EXTRACT_STEP,
                task,
                config,
                scans,
                limits=config.limits,
                file=path,
                returns=ExtractedPaper,
                may_start_programs=STEPS[task.step].starts_programs,
                on_progress=watch,
            )
            check_extracted(done, task, config)
        except OcrUnavailable:
            _sandbox(
                config
            ).close()  # the next warm process checks again which programs are installed
            raise
        except BadDocument:
            blobs.check_readable(task.sha256)  # raises if the store is at fault, not the paper
            raise
    if done.scans:
        blobs.put_artifact(key, done.scans)
    return done


@lru_cache(maxsize=4)
def _sandbox(config: PipelineConfig) -> Sandbox:
    """Returns the sandbox of this process."""
    return Sandbox(WARM, config, mode=config.sandbox)


def _scans(key: str, config: PipelineConfig) -> bytes | None:
    try:
        return blob_store(config).read(key)
    except NotFound:  # no page of the paper needed OCR
        return None
