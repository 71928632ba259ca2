"""Do PostgreSQL, Milvus and the blobs agree, and what is done when they do not."""

from __future__ import annotations

from fastapi import APIRouter, Response

from domain.jobs import Lane
from pipelines.reconcile import Reconciler
from serve_app.api.context import PREFIX, ServicesHere
from serve_app.consistency_schemas import Consistency, Repair
from serve_app.consistency_shapes import consistency_shape, repair_shape
from serve_app.problems import documented
from serve_app.services import Services

router = APIRouter(prefix=PREFIX, tags=["consistency"])


@router.get("/consistency", responses=documented())
async def get_consistency(services: ServicesHere) -> Consistency:
    """Compares the stores; takes seconds for a large library. Nothing is changed."""
    return consistency_shape(await _reconciler(services).compare())


@router.post(
    "/consistency/repair",
    responses={
        202: {"model": Repair, "description": "Documents are read again by the jobs named."},
        **documented(429),
    },
)
async def repair_consistency(services: ServicesHere, response: Response) -> Repair:
    """Compares the stores and mends what differs.

    What is left over is deleted, at once. Documents of which something is missing are read again
    from their PDF, as a new version: until that is complete, searches find what there is.
    """
    reconciler = _reconciler(services)
    found = await reconciler.compare()
    done = await reconciler.repair(found)
    if done.job_ids:
        response.status_code = 202
    for lane in Lane:
        services.wake(lane)
    return repair_shape(found, done)


def _reconciler(services: Services) -> Reconciler:
    return Reconciler(
        services.audit, services.jobs, services.queue, services.vectors, services.blobs
    )
