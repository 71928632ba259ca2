"""API keys, the access of the client, and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path

from domain.access import KEY_ID
from serve_app.access.requirements import ADMINISTERS, AccessDep
from serve_app.api.caching import NOT_STORED
from serve_app.api.parameters import Cursor, Limit, identifier, unknown
from serve_app.api.problems import problem_responses
from serve_app.api.services import PREFIX, ServicesDep
from serve_app.schemas import access as schemas
from serve_app.schemas.core import Listed
from serve_app.schemas.requests import NewKey

router = APIRouter(prefix=PREFIX, tags=["access"])

KeyId = Annotated[
    str,
    identifier(KEY_ID, partial(unknown, "key")),
    Path(description="A `key_id`.", json_schema_extra={"pattern": KEY_ID.pattern}),
]


@router.get("/access", responses=problem_responses())
async def get_access(access: AccessDep) -> schemas.Access:
    """Returns what the client may do: its scopes and collections."""
    return schemas.Access.model_validate(access)


@router.post(
    "/keys",
    status_code=201,
    responses=problem_responses(),
    dependencies=[ADMINISTERS, NOT_STORED],
)
async def create_key(body: NewKey, services: ServicesDep) -> schemas.CreatedKey:
    """Creates a key. The response contains its token, which is stored nowhere."""
    days = body.expires_days
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    scopes = sorted(set(body.scopes))
    key, token = await services.keys.create(body.name, scopes, body.collections, expires_at)
    return schemas.CreatedKey(**schemas.Key.model_validate(key).model_dump(), token=token)


@router.get("/keys", responses=problem_responses(), dependencies=[ADMINISTERS])
async def list_keys(services: ServicesDep) -> schemas.Keys:
    """Returns all keys without their tokens, newest first; revoked and expired ones too."""
    return schemas.Keys.model_validate({"items": await services.keys.list()})


@router.delete(
    "/keys/{key_id}",
    status_code=204,
    responses=problem_responses(404),
    dependencies=[ADMINISTERS],
)
async def revoke_key(key_id: KeyId, services: ServicesDep) -> None:
    """Revokes a key: requests with it and its sessions are refused from now on. Idempotent."""
    await services.keys.revoke(key_id)


@router.get("/audit", responses=problem_responses(), dependencies=[ADMINISTERS])
async def list_audit_entries(
    services: ServicesDep, cursor: Cursor = None, limit: Limit = 50
) -> Listed[schemas.AuditEntry]:
    """Returns who uploaded and deleted papers and who changed keys and webhooks, latest first."""
    page = await services.audit_log.list(cursor=cursor, limit=limit)
    items = list(map(schemas.AuditEntry.model_validate, page.items))
    return Listed(items=items, next_cursor=page.next_cursor)
