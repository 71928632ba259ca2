"""Files that lie on disk -> blob store -> job: how folders get in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from domain.errors import RefusedUpload
from domain.jobs import Lane, Upload, new_job_id
from stores.blob_store import BlobStore
from stores.job_store import JobStore

log = logging.getLogger(__name__)
FILES_PER_TRANSACTION = 200


def pdfs_under(folder: Path) -> list[Path]:
    """Every file named *.pdf in the folder and below, in order of path, upper case endings too."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".pdf")


async def register_files(
    paths: Sequence[Path],
    *,
    collection: str,
    lane: Lane,
    blobs: BlobStore,
    jobs: JobStore,
    limit_bytes: int,
    kind: str = "folder",
    on_registered: Callable[[int], None] | None = None,
) -> str:
    """Id of the job that holds the files; each is stored, then admitted with some hundred others.

    `on_registered` hears how many are in so far. A file that is refused is logged and left out.
    Raises RefusedUpload when not one is accepted.
    """
    job_id = new_job_id()
    refused: RefusedUpload | None = None
    accepted = 0
    for part in _parts(paths):
        uploads = []
        for path in part:
            try:
                uploads.append(await asyncio.to_thread(store_file, path, blobs, limit_bytes))
            except RefusedUpload as error:
                log.warning("%s was refused: %s", path, error, extra={"action": "refused"})
                refused = error
        if uploads:
            await jobs.admit(collection, uploads, kind=kind, lane=lane, job_id=job_id)
            accepted += len(uploads)
        if on_registered and accepted:
            on_registered(accepted)
    if not accepted:
        raise refused or RefusedUpload("There is no PDF among the given files.")
    return job_id


def store_file(path: Path, blobs: BlobStore, limit_bytes: int) -> Upload:
    """The file at rest in the blob store. Raises RefusedUpload, BlobStoreUnavailable."""
    stored = blobs.put_file(path, limit_bytes)
    return Upload(path.name, stored.sha256, stored.bytes)


def _parts(paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for start in range(0, len(paths), FILES_PER_TRANSACTION):
        yield paths[start : start + FILES_PER_TRANSACTION]
