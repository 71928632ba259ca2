"""The upload page: the browser sends the files and shows the progress of their jobs."""

from __future__ import annotations

from fastapi import Request, Response

from domain.jobs import OnDuplicate
from serve_app.access.requirements import CHANGES, AccessDep
from serve_app.api.collections import visible_collections
from serve_app.api.services import ServicesDep
from serve_app.pages.page_route import page_router
from serve_app.pages.parameters import CollectionField, shown_name
from serve_app.pages.rendering import render

router = page_router(CHANGES)
FILES_PER_REQUEST = 25  # one job each, so that the first papers of a large folder are read early
LABELS = {
    OnDuplicate.RETURN: "is not stored twice",
    OnDuplicate.REPROCESS: "is read again",
    OnDuplicate.REJECT: "is refused",
}


@router.get("/upload")
async def upload_page(
    request: Request,
    services: ServicesDep,
    access: AccessDep,
    collection: CollectionField = None,
) -> Response:
    """Returns the page."""
    return render(
        request,
        "upload.html",
        collection=shown_name(collection),
        collections=await visible_collections(services, access),
        choices=LABELS,
        part=min(FILES_PER_REQUEST, services.http.max_files),
        max_bytes=services.http.upload_limit_bytes,
        folders=services.http.folders,
    )
