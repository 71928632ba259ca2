"""Compares PostgreSQL, Milvus and the blob store, and repairs inconsistencies."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from domain.errors import StoresDoNotMatch
from serve_app.access.requirements import ADMINISTERS
from serve_app.api.problems import problem_response, problem_responses
from serve_app.api.serializers import to_consistency_schema, to_repair_schema
from serve_app.api.services import PREFIX, Services, ServicesDep
from serve_app.schemas.consistency import Adoption, Consistency, Repair
from serve_app.schemas.requests import AdoptRequest
from stores.consistency.adopt import adopt_orphans
from stores.consistency.reconcile import Reconciler

router = APIRouter(prefix=f"{PREFIX}/consistency", tags=["consistency"], dependencies=[ADMINISTERS])

JOBS_STARTED = {"description": "The jobs in `job_ids` read the documents again."}
DeleteOrphans = Annotated[
    bool, Query(description="Delete orphans even if they exceed the limits in `stores.deletion`.")
]


@router.get("", responses=problem_responses())
async def get_consistency(services: ServicesDep) -> Consistency:
    """Compares the stores without changing them. Takes seconds for a large library."""
    return to_consistency_schema(await _reconciler(services).compare(), services.deletion)


@router.post(
    "/repair",
    response_model=Repair,
    responses={202: {"model": Repair, **JOBS_STARTED}, **problem_responses(409, 429)},
)
async def repair_consistency(
    request: Request,
    services: ServicesDep,
    response: Response,
    delete_orphans: DeleteOrphans = False,
) -> Repair | Response:
    """Compares the stores and repairs the differences.

    Deletes orphan chunks and artifacts, and moves unused PDFs to the trash. Documents with missing
    data are read again from their PDF as a new version; until it is complete, searches return what
    is left of the current version. Returns 409 and changes nothing if the stores belong to
    different libraries.
    """
    reconciler = _reconciler(services)
    differences = await reconciler.compare()
    try:
        repairs = await reconciler.repair(differences, delete_orphans=delete_orphans)
    except StoresDoNotMatch as error:
        return problem_response(request, 409, error.code, error.message)
    if repairs.job_ids:
        response.status_code = 202
    services.wake_all_lanes()
    return to_repair_schema(differences, repairs, services.deletion)


@router.post(
    "/adopt",
    response_model=Adoption,
    responses={202: {"model": Adoption, **JOBS_STARTED}, **problem_responses(409, 429)},
)
async def adopt(
    request: Request, body: AdoptRequest, services: ServicesDep, response: Response
) -> Adoption | Response:
    """Adds PDFs that belong to no document, not even to a deleted one, to a collection.

    Use it after the database was restored from an older backup. With `claim_stores`, Milvus and
    the blob store are first assigned to the library of this database. Without it, the request
    returns 409 and changes nothing if the stores belong to different libraries.
    """
    if body.claim_stores:
        await services.guard.check.claim()
    services.guard.forget()
    try:
        await _reconciler(services).require_match()
    except StoresDoNotMatch as error:
        return problem_response(request, 409, error.code, error.message)
    adopted = await adopt_orphans(body.collection, services.library, services.jobs, services.blobs)
    if adopted.job_ids:
        response.status_code = 202
    services.wake_all_lanes()
    return Adoption.model_validate(adopted)


def _reconciler(services: Services) -> Reconciler:
    return Reconciler(
        services.audit,
        services.jobs,
        services.queue,
        services.vectors,
        services.blobs,
        services.guard.check,
        services.deletion,
    )
