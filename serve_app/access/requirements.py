"""What the routes require: a scope, and that the key belongs to the collection of the path."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from domain.access import Access, Scope
from domain.collection_names import id_of
from domain.errors import NotFound
from domain.identifiers import COLLECTION_NAME, DOCUMENT_ID, JOB_ID
from serve_app.access.errors import Forbidden
from serve_app.access.middleware import access_of
from serve_app.api.parameters import unknown_collection
from serve_app.api.services import Services, ServicesDep

# Only describes the header in OpenAPI; the middleware has checked it.
_bearer = HTTPBearer(auto_error=False, description="An API key; none if http.auth is off.")


async def _access(request: Request) -> Access:
    return access_of(request)


AccessDep = Annotated[Access, Depends(_access)]


def requires(*scopes: Scope) -> Any:
    """Returns the dependency of a route: one of the scopes, and the collection of its path.

    Raises Forbidden without the scope, and NotFound for an id of another collection, as for an
    unknown id.
    """

    async def check(
        request: Request,
        access: AccessDep,
        services: ServicesDep,
        _token: Annotated[Any, Security(_bearer)],
    ) -> None:
        if not access.may(*scopes):
            needed = " or ".join(scopes)
            raise Forbidden(
                f"The API key does not include the scope {needed}. Nothing was changed. Use a key "
                "with that scope."
            )
        if access.collections is not None:
            await _check_path(request.path_params, access, services)

    check.scopes = frozenset(scopes)  # pyright: ignore[reportFunctionMemberAccess]
    return Depends(check)


READS = requires(Scope.SEARCH)
FOLLOWS = requires(Scope.SEARCH, Scope.INGEST)
CHANGES = requires(Scope.INGEST)
ADMINISTERS = requires(Scope.ADMIN)


def require_collection(access: Access, collection: str) -> None:
    """Raises UnknownCollection for a collection of other keys."""
    if not access.sees(collection):
        raise unknown_collection(collection)


async def require_known_collection(collection: str, services: Services) -> None:
    """Raises UnknownCollection for a collection that does not exist."""
    if not await services.documents.has_collection(collection):
        raise unknown_collection(collection)


async def _check_path(ids: dict[str, Any], access: Access, services: Services) -> None:
    """Raises NotFound for ids that the access does not see; malformed ids are left to the route."""
    document_id, job_id, name = (ids.get(one) for one in ("document_id", "job_id", "name"))
    if document_id and DOCUMENT_ID.fullmatch(document_id):
        document = await services.documents.get(document_id)
        if not access.sees(document.collection):
            raise NotFound(f"There is no document {document_id}.")
    if job_id and JOB_ID.fullmatch(job_id):
        collection = await services.jobs.collection_of(job_id)
        if collection is None or not access.sees(collection):
            raise NotFound(f"There is no job {job_id}.")
    if name and COLLECTION_NAME.fullmatch(name):
        require_collection(access, id_of(name))
