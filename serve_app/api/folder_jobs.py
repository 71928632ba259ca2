"""Folder jobs: an administrator lets the service register a folder that it can read."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from domain.folder_jobs import FOLDER
from domain.jobs import Lane, new_job_id
from serve_app.access.requirements import ADMINISTERS
from serve_app.api.problems import problem_responses
from serve_app.api.services import PREFIX, ServicesDep
from serve_app.schemas import core as schemas
from serve_app.schemas.requests import NewFolderJob
from stores.folders.server_folders import find_folder

router = APIRouter(prefix=f"{PREFIX}/jobs", tags=["jobs"], dependencies=[ADMINISTERS])


@router.post("", status_code=202, responses=problem_responses(404, 429))
async def create_folder_job(
    body: NewFolderJob, services: ServicesDep, response: Response
) -> schemas.FolderAccepted:
    """Registers every PDF of a folder that the server reads, and responds at once.

    `folder` is below one of the setting `http.folders`; subfolders are searched. The job shows the
    registered, the known and the refused files. Cancel the job to stop the registration.
    """
    await services.require_matching_stores()
    await asyncio.to_thread(find_folder, body.folder, services.http.folders)
    await services.jobs.check_queue_limit(body.collection)
    job_id = new_job_id()
    await services.jobs.admit(
        body.collection, [], kind=FOLDER, lane=Lane.BULK, job_id=job_id, more_to_come=True
    )
    await services.folders.open(job_id, body.folder, body.collection)
    response.headers["Location"] = f"{PREFIX}/jobs/{job_id}"
    return schemas.FolderAccepted(
        message="Accepted. Follow status_endpoint; papers appear as they are registered.",
        job_id=job_id,
        folder=body.folder,
        collection=body.collection,
        status_endpoint=f"/jobs/{job_id}",
    )
