"""API keys, sessions, the audit log and counted requests in PostgreSQL."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.access import Scope
from domain.errors import InvalidRequest, NotFound
from domain.jobs import Upload
from stores.local_key import ensure_local_key, read_local_key
from stores.postgres.audit_log import Action, AuditLog, acting_as
from stores.postgres.database import Database
from stores.postgres.document_store import DocumentStore
from stores.postgres.job_store import JobStore
from stores.postgres.key_store import KeyStore
from stores.postgres.request_counts import RequestCounts, Usage
from stores.postgres.retention import remove_old_records


def upload(name: str) -> Upload:
    """Returns an upload whose bytes depend on the name."""
    return Upload(f"{name}.pdf", hashlib.sha256(name.encode()).hexdigest(), 10)


@pytest.fixture
def keys(database: Database) -> KeyStore:
    return KeyStore(database)


async def test_key_is_found_by_its_token_only(keys: KeyStore, database: Database) -> None:
    key, token = await keys.create("notebook", [Scope.SEARCH], ["physics"])
    found = await keys.find(token)
    assert found and (found.key_id, found.collections) == (key.key_id, {"physics"})
    assert await keys.find(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert await keys.find("pw_nothing") is None
    secret = token.split("_", 2)[2]
    async with database.single() as connection:
        stored = str((await connection.execute(text("SELECT * FROM api_keys"))).all())
    assert secret not in stored


async def test_revoked_and_expired_keys_are_not_found(keys: KeyStore) -> None:
    key, token = await keys.create("gone", [Scope.SEARCH])
    session = await keys.open_session(key)
    assert await keys.find_session(session)
    await keys.revoke(key.key_id)
    await keys.revoke(key.key_id)
    assert await keys.find(token) is None
    assert await keys.find_session(session) is None
    past = datetime.now(UTC) - timedelta(seconds=1)
    old, expired = await keys.create("old", [Scope.SEARCH], expires_at=past)
    assert await keys.find(expired) is None
    assert await keys.find_session(await keys.open_session(old)) is None
    assert [one.name for one in await keys.list()] == ["old", "gone"]


@pytest.mark.parametrize("key_id", ["0" * 12, "x", "0" * 12 + "\n"])
async def test_unknown_key_is_not_revoked(keys: KeyStore, key_id: str) -> None:
    with pytest.raises(NotFound):
        await keys.revoke(key_id)


async def test_invalid_keys_are_refused(keys: KeyStore) -> None:
    for name, scopes, collections in (
        (" ", [Scope.SEARCH], None),
        ("a", [], None),
        ("a", [Scope.ADMIN], ["physics"]),
    ):
        with pytest.raises(InvalidRequest):
            await keys.create(name, scopes, collections)
    assert await keys.list() == []


async def test_last_use_is_recorded(keys: KeyStore) -> None:
    _, token = await keys.create("used", [Scope.SEARCH])
    assert (await keys.list())[0].last_used_at is None
    for _ in range(3):
        await keys.find(token)
    assert (await keys.list())[0].last_used_at is not None


async def test_session_ends_when_it_is_closed(keys: KeyStore) -> None:
    key, _ = await keys.create("browser", [Scope.SEARCH])
    session = await keys.open_session(key)
    assert (await keys.find_session(session)) is not None
    await keys.close_session(session)
    assert await keys.find_session(session) is None
    assert await keys.find_session("unknown") is None


async def test_local_key_is_created_once_and_replaced_when_invalid(
    keys: KeyStore, tmp_path: Path
) -> None:
    path = tmp_path / "api_key"
    await ensure_local_key(path, keys)
    token = read_local_key(path)
    assert token and path.stat().st_mode & 0o777 == 0o600
    key = await keys.find(token)
    assert key and key.scopes == {Scope.ADMIN}
    await ensure_local_key(path, keys)
    assert read_local_key(path) == token
    await keys.revoke(key.key_id)
    await ensure_local_key(path, keys)
    assert await keys.find(read_local_key(path) or "")


async def test_audit_log_names_the_actor_of_each_action(keys: KeyStore, database: Database) -> None:
    jobs, documents = JobStore(database), DocumentStore(database)
    with acting_as("key 1"):
        [first] = await jobs.admit("physics", [upload("a")])
        await jobs.admit("physics", [upload("a"), upload("b")])
        await documents.delete(first.document_id)
    with acting_as("key 2"):
        await documents.delete_collection("physics")
        key, _ = await keys.create("notebook", [Scope.SEARCH])
        await keys.revoke(key.key_id)
    log, entries, cursor = AuditLog(database), [], None
    while True:
        page = await log.list(cursor=cursor, limit=2)
        entries += page.items
        if (cursor := page.next_cursor) is None:
            break
    found = [(one.actor, one.action, one.subject, dict(one.details)) for one in reversed(entries)]
    assert found[0] == ("key 1", Action.UPLOAD, first.job_id, {"kind": "upload", "files": 1})
    assert found[1][:2] == ("key 1", Action.UPLOAD) and found[1][3]["files"] == 2
    assert found[2] == ("key 1", Action.DELETE_DOCUMENT, first.document_id, {})
    assert found[3] == ("key 2", Action.DELETE_COLLECTION, "physics", {"documents": 1})
    assert found[4][:3] == ("key 2", Action.CREATE_KEY, key.key_id)
    assert found[5] == ("key 2", Action.REVOKE_KEY, key.key_id, {})


async def test_failed_action_leaves_no_audit_entry(database: Database) -> None:
    with pytest.raises(NotFound):
        await DocumentStore(database).delete("doc_" + "0" * 24)
    assert (await AuditLog(database).list()).items == []


async def test_old_audit_entries_are_removed(keys: KeyStore, database: Database) -> None:
    await keys.create("old", [Scope.SEARCH])
    await keys.create("new", [Scope.SEARCH])
    async with database.single() as connection:
        await connection.execute(
            text(
                "UPDATE audit_log SET at = at - interval '800 days' WHERE details->>'name' = 'old'"
            )
        )
    assert (await remove_old_records(database, 90)).audit_entries == 1
    [left] = (await AuditLog(database).list()).items
    assert left.details["name"] == "new"


async def test_requests_are_counted_exactly_by_concurrent_processes(database: Database) -> None:
    one, two = RequestCounts(database), RequestCounts(database)
    found = list[Usage]()
    for _ in range(2):  # a minute may end between two requests
        await database_clean(database)
        found = await asyncio.gather(*(store.count("key 1") for store in (one, two) * 25))
        if len({usage.used for usage in found}) == 50:
            break
    assert sorted(usage.used for usage in found) == list(range(1, 51))
    assert all(1 <= usage.seconds_left <= 60 for usage in found)
    assert (await one.count("key 2")).used == 1


async def test_counts_of_silent_clients_are_forgotten(database: Database) -> None:
    counts = RequestCounts(database)
    for client in ("silent", "active"):
        await counts.count(client)
    async with database.single() as connection:
        age = "UPDATE request_counts SET window_start = window_start - interval '2 days'"
        await connection.execute(text(f"{age} WHERE client = 'silent'"))
    await remove_old_records(database, 90)
    async with database.single() as connection:
        left = (await connection.execute(text("SELECT client FROM request_counts"))).scalars()
        assert left.all() == ["active"]


async def database_clean(database: Database) -> None:
    async with database.single() as connection:
        await connection.execute(text("TRUNCATE request_counts"))
