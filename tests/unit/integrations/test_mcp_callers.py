"""The key check of the MCP server over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from domain.access import Scope
from integrations.mcp_callers import KeyCheck, key_of
from runtime.http_options import HttpOptions
from serve_app.client import AsyncClient
from tests.unit.serve_app.library import Library

KEY = "pw_0123456789ab_" + "A" * 43
ANSWER = PlainTextResponse("answer")


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Library]:
    """A library whose requests need no key."""
    library = Library(tmp_path)
    yield library
    await library.http.aclose()
    library.close()


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[Library]:
    """A library whose requests need a key, which allows one request per minute."""
    options = HttpOptions(hosts=["library"], auth="required", requests_per_minute=1)
    library = Library(tmp_path, http=options)
    yield library
    await library.http.aclose()
    library.close()


async def ask(
    app: httpx.AsyncBaseTransport, key: str | None = None, *, is_local: bool = True
) -> httpx.Response:
    """Returns the response to a request with this key, through the key check."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with AsyncClient("http://library", retries=0, transport=app) as client:
        checked = httpx.ASGITransport(KeyCheck(ANSWER, client, is_local=is_local))
        async with httpx.AsyncClient(transport=checked, base_url="http://mcp") as caller:
            return await caller.get("/mcp", headers=headers)


async def test_service_without_keys_answers_local_callers_only(opened: Library) -> None:
    app = httpx.ASGITransport(opened.app)
    assert (await ask(app)).text == "answer"
    for key in (None, KEY):
        refused = await ask(app, key, is_local=False)
        assert refused.status_code == 403 and "requires no keys" in refused.json()["detail"]


async def test_refusal_of_service_is_passed_on(limited: Library) -> None:
    app = httpx.ASGITransport(limited.app)
    unknown = await ask(app, KEY, is_local=False)
    assert unknown.status_code == 401 and unknown.json()["code"] == "unauthenticated"
    assert unknown.headers["WWW-Authenticate"].startswith("Bearer")
    _, token = await limited.keys.create("test", (Scope.SEARCH,), None)
    assert (await ask(app, token, is_local=False)).text == "answer"
    again = await ask(app, token, is_local=False)
    assert (again.status_code, again.json()["code"]) == (429, "rate_limited")
    assert again.headers["Retry-After"] == "30"


async def test_unreachable_service_is_answered_503() -> None:
    class NoService(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

    answer = await ask(NoService(), KEY)
    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (f"Bearer {KEY}", KEY),
        (f"bearer  {KEY} ", KEY),
        (f"Basic {KEY}", None),
        (KEY, None),
        (f"Bearer {KEY}x", None),
        ("Bearer pw_ü", None),
        ("", None),
    ],
)
def test_key_of_accepts_only_bearer_keys(header: str, key: str | None) -> None:
    assert key_of({"authorization": header}) == key


def test_key_of_needs_headers() -> None:
    assert key_of(None) is None
