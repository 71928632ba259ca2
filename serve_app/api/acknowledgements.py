"""Failures of many jobs are marked as seen by one request.

The route is not below /jobs, where a GET of it would be one of a job of that name.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from serve_app.access.requirements import CHANGES, AccessDep
from serve_app.api.parameters import CollectionFilter, Time
from serve_app.api.problems import problem_responses
from serve_app.api.services import PREFIX, ServicesDep
from serve_app.schemas import core as schemas

router = APIRouter(prefix=f"{PREFIX}/acknowledgements", tags=["jobs"], dependencies=[CHANGES])


@router.post("", responses=problem_responses())
async def acknowledge_jobs(
    services: ServicesDep,
    access: AccessDep,
    collection: CollectionFilter = None,
    until: Annotated[
        Time | None,
        Query(description="Only jobs that ended until this time, which has a time zone."),
    ] = None,
) -> schemas.AllAcknowledged:
    """Marks the failures of all jobs that have ended as seen."""
    acknowledged = await services.job_control.acknowledge_all(
        collection=collection, among=access.collections, until=until
    )
    return schemas.AllAcknowledged(acknowledged=acknowledged)
