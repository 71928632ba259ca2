"""Do PostgreSQL, Milvus and the blobs agree, and what is done when they do not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from domain.errors import StoresDoNotMatch
from domain.jobs import Lane
from serve_app.api.context import PREFIX, ServicesHere
from serve_app.api.problems import documented, problem
from serve_app.api.serializers.differences import consistency_shape, repair_shape
from serve_app.api.services import Services
from serve_app.schemas.consistency import Adoption, AdoptRequest, Consistency, Repair
from stores.consistency.adopt import adopt_orphans
from stores.consistency.reconcile import Reconciler

router = APIRouter(prefix=PREFIX, tags=["consistency"])

ByJobs = {"description": "Documents are read again by the jobs named."}
DeleteOrphans = Annotated[
    bool, Query(description="Delete orphans also beyond the limits of `stores.deletion`.")
]


@router.get("/consistency", responses=documented())
async def get_consistency(services: ServicesHere) -> Consistency:
    """Compares the stores; takes seconds for a large library. Nothing is changed."""
    return consistency_shape(await _reconciler(services).compare(), services.deletion)


@router.post(
    "/consistency/repair",
    response_model=Repair,
    responses={202: {"model": Repair, **ByJobs}, **documented(409, 429)},
)
async def repair_consistency(
    request: Request,
    services: ServicesHere,
    response: Response,
    delete_orphans: DeleteOrphans = False,
) -> Repair | Response:
    """Compares the stores and repairs what differs.

    Orphan chunks and artifacts are deleted, unused PDFs move to the trash. Documents of which
    something is missing are read again from their PDF, as a new version: until that is complete,
    searches find what there is. Stores of different libraries are left alone: 409.
    """
    reconciler = _reconciler(services)
    found = await reconciler.compare()
    try:
        done = await reconciler.repair(found, delete_orphans=delete_orphans)
    except StoresDoNotMatch as error:
        return problem(request, 409, error.code, error.message)
    if done.job_ids:
        response.status_code = 202
    _wake(services)
    return repair_shape(found, done, services.deletion)


@router.post(
    "/consistency/adopt",
    response_model=Adoption,
    responses={202: {"model": Adoption, **ByJobs}, **documented(409, 429)},
)
async def adopt(
    request: Request, wanted: AdoptRequest, services: ServicesHere, response: Response
) -> Adoption | Response:
    """PDFs that belong to no document, not even to a deleted one, become papers of a collection.

    For a database that was restored from an older backup. `claim_stores` makes Milvus and the blob
    store those of this database first; without it, stores of different libraries are left alone:
    409.
    """
    if wanted.claim_stores:
        await services.guard.check.claim()
    services.guard.forget()
    try:
        await _reconciler(services).require_match()
    except StoresDoNotMatch as error:
        return problem(request, 409, error.code, error.message)
    done = await adopt_orphans(wanted.collection, services.library, services.jobs, services.blobs)
    if done.job_ids:
        response.status_code = 202
    _wake(services)
    return Adoption(**asdict(done))


def _wake(services: Services) -> None:
    for lane in Lane:
        services.wake(lane)


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
