"""`paperworks mcp` over HTTP for a service that requires keys."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from serve_app.client import Client
from tests.end_to_end.mcp_clients import (
    ACCEPTED,
    INITIALIZE,
    add_paper,
    call,
    error_of,
    http_server,
    over_http,
)
from tests.pdf_builder.papers import make_study
from tests.service import RunningService

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def admin(closed: RunningService) -> Iterator[Client]:
    """A client of the closed service that may do everything."""
    with Client(closed.url, (closed.home / "api_key").read_text()) as client:
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_key_of_caller_limits_collections_over_http(
    closed: RunningService, admin: Client, collection: str, mode: str
) -> None:
    other = f"{collection}-other"
    name, hidden = (add_paper(admin, make_study(), place) for place in (collection, other))
    key = admin.create_key("mcp", ["search"], [collection]).token
    with http_server(closed.url) as url:
        async with over_http(url, key, mode) as client:
            collections = (await call(client, "list_collections"))["collections"]
            assert [entry["name"] for entry in collections] == [collection]
            papers = (await call(client, "list_papers"))["papers"]
            assert [paper["document_id"] for paper in papers] == [name]
            passages = (await call(client, "search", query="copper spoon"))["passages"]
            assert {passage["document_id"] for passage in passages} == {name}
            for tool in ("read_paper", "cite"):
                assert hidden in await error_of(client, tool, document_id=hidden)
            assert hidden in await error_of(client, "get_table", document_id=hidden, number=1)
        async with over_http(url, admin.create_key("mcp", ["search"]).token, mode) as client:
            papers = (await call(client, "list_papers"))["papers"]
            assert {paper["document_id"] for paper in papers} >= {name, hidden}


def test_http_server_requires_key_and_known_host(closed: RunningService, admin: Client) -> None:
    key = admin.create_key("mcp", ["search"])
    bearer = {"Authorization": f"Bearer {key.token}"}
    wrong = {"Authorization": f"Bearer {key.token[:-1]}_"}
    session = {"Cookie": "paperworks_session=x"}
    with http_server(closed.url) as url, httpx.Client(headers=ACCEPTED) as client:

        def status(**headers: str) -> int:
            return client.post(url, json=INITIALIZE, headers=headers).status_code

        refused = client.post(url, json=INITIALIZE)
        assert refused.status_code == 401 and refused.json()["code"] == "unauthenticated"
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert [status(**headers) for headers in (wrong, session, bearer)] == [401, 401, 200]
        assert status(**bearer, Host="evil.example") == 421
        assert status(**bearer, Origin="http://evil.example") == 403
        admin.revoke_key(key.key_id)
        assert status(**bearer) == 401


def test_other_machines_use_key_and_allowed_host(closed: RunningService, admin: Client) -> None:
    headers = {"Authorization": f"Bearer {admin.create_key('mcp', ['search']).token}", **ACCEPTED}
    options = ("--host", "127.0.0.2", "--allowed-host", "papers.example")
    with http_server(closed.url, *options) as url, httpx.Client(headers=headers) as client:
        assert url.startswith("http://127.0.0.2:")
        assert client.post(url, json=INITIALIZE).status_code == 200
        for host in ("papers.example", "papers.example:443"):
            named = {"Host": host, "Origin": f"https://{host}"}
            assert client.post(url, json=INITIALIZE, headers=named).status_code == 200
        other = {"Host": "papers.example.evil"}
        assert client.post(url, json=INITIALIZE, headers=other).status_code == 421
        del client.headers["Authorization"]
        assert client.post(url, json=INITIALIZE).status_code == 401
