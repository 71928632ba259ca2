"""The pages of keys and webhooks, and the form of a new collection: contents, secrets, refusals."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from domain.access import Scope
from domain.webhooks import WebhookEvent
from runtime.http_options import HttpOptions
from tests.unit.serve_app.library import API, Library
from tests.unit.serve_app.test_pages import SCRIPT, page_of

KEYS, WEBHOOKS = "/system/keys", "/system/webhooks"
UNKNOWN = f"{WEBHOOKS}/wh_{'0' * 16}"
ADDRESSES = r'(?:src|href|action|hx-get|data-\w+)="/(?!papers["/])'


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[Library]:
    """A library whose requests need a key."""
    made = Library(tmp_path, http=HttpOptions(hosts=["library"], auth="required"))
    yield made
    await made.http.aclose()
    made.close()


async def webhook_with_ping(library: Library) -> tuple[str, str]:
    """Returns the ids of a webhook, whose address and collections are hostile, and of a ping."""
    url = f"https://lab.example/?a={SCRIPT}"
    webhook, _ = await library.services.webhooks.create(url, [WebhookEvent.FAILED], ["physics"])
    ping = await library.services.webhooks.ping(webhook.webhook_id)
    return webhook.webhook_id, ping.delivery_id


async def test_keys_page_lists_valid_and_ended_keys_without_their_tokens(library: Library) -> None:
    valid, _ = await library.keys.create(SCRIPT, [Scope.SEARCH, Scope.INGEST], ["physics"])
    revoked, _ = await library.keys.create("revoked", [Scope.ADMIN])
    await library.keys.revoke(revoked.key_id)
    past = datetime.now(UTC) - timedelta(days=2)
    expired, _ = await library.keys.create("expired", [Scope.SEARCH], expires_at=past)
    page = await page_of(library, KEYS)
    listed, ended = page.split('id="ended-keys"')
    assert f'data-delete="{API}/keys/{valid.key_id}"' in listed and "ingest, search" in listed
    assert "&lt;img src=x" in listed and SCRIPT not in page
    assert "2 revoked or expired keys" in ended and "expired <time" in ended
    for key in (revoked, expired):
        assert key.key_id in ended and f'data-delete="{API}/keys/{key.key_id}"' not in page
    assert "pw_" not in page and "requires no keys now" in page


async def test_keys_page_names_the_key_of_the_browser(closed: Library) -> None:
    key, token = await closed.keys.create("mine", [Scope.ADMIN])
    headers = {"Authorization": f"Bearer {token}"}
    page = (await closed.http.get(KEYS, headers=headers)).text
    assert "signed in with it" in page and "this one too" in page
    assert "requires no keys now" not in page and token not in page
    assert key.key_id in page


@pytest.mark.parametrize(
    ("path", "part"),
    [(KEYS, '<div id="keys"'), (WEBHOOKS, '<div id="webhooks"')],
)
async def test_lists_are_loaded_again_alone(library: Library, path: str, part: str) -> None:
    page = await page_of(library, path, of_htmx=True)
    assert page.lstrip().startswith(part) and "<html" not in page and "<form" not in page


async def test_webhook_pages_show_state_and_deliveries_without_the_secret(
    library: Library,
) -> None:
    webhook, delivery = await webhook_with_ping(library)
    page = await page_of(library, WEBHOOKS)
    assert f'href="{WEBHOOKS}/{webhook}"' in page and "https://lab.example/" in page
    assert "data-body='{\"enabled\": false}'" in page
    page = await page_of(library, f"{WEBHOOKS}/{webhook}")
    for part in (delivery, "physics", "failed", "Send a test", "Pause", "pending"):
        assert part in page, part
    await library.services.webhooks.change(webhook, {"enabled": False})
    state = await page_of(library, f"{WEBHOOKS}/{webhook}", of_htmx=True)
    assert "paused" in state and "disabled by a request" in state and "Resume" in state
    assert "Send a test" not in state and "/redeliver" not in state and "<html" not in state
    for one in (page, state, await page_of(library, WEBHOOKS)):
        assert "whsec_" not in one and SCRIPT not in one


async def test_webhook_page_shows_earlier_deliveries_on_request(library: Library) -> None:
    webhook, first = await webhook_with_ping(library)
    for _ in range(50):
        await library.services.webhooks.ping(webhook)
    page = await page_of(library, f"{WEBHOOKS}/{webhook}")
    [earlier] = re.findall(r'href="([^"]+)">Earlier deliveries', page)
    assert first not in page and first in await page_of(library, earlier)


@pytest.mark.parametrize("path", [KEYS, WEBHOOKS, f"{WEBHOOKS}/ID", "/"])
async def test_page_has_own_files_only_and_is_not_stored(library: Library, path: str) -> None:
    webhook, _ = await webhook_with_ping(library)
    answer = await library.http.get(path.replace("ID", webhook))
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]* src=)|<style| on\w+=| style=", answer.text)
    transport = httpx.ASGITransport(library.app, root_path="/papers")
    async with httpx.AsyncClient(transport=transport, base_url="http://library") as http:
        mounted = (await http.get(f"/papers{path.replace('ID', webhook)}")).text
    assert not re.findall(ADDRESSES, mounted)
    assert (
        path == "/" or f'href="/papers{path.rpartition("/ID")[0] or path}" aria-current' in mounted
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (UNKNOWN, 404),
        (f"{WEBHOOKS}/x", 404),
        (f"{WEBHOOKS}/%00", 404),
        ("KNOWN?cursor=x", 422),
    ],
)
async def test_page_explains_bad_input(library: Library, path: str, status: int) -> None:
    webhook, _ = await webhook_with_ping(library)
    address = path.replace("KNOWN", f"{WEBHOOKS}/{webhook}")
    page = await page_of(library, address, status, accept="text/html")
    assert "Go to the library" in page and "Traceback" not in page


@pytest.mark.parametrize(
    ("path", "body", "secret"),
    [
        ("/keys", {"name": "a", "scopes": ["search"]}, "token"),
        ("/webhooks", {"url": "https://lab.example/"}, "secret"),
    ],
)
async def test_answer_with_a_secret_is_not_stored(
    library: Library, path: str, body: dict[str, object], secret: str
) -> None:
    answer = await library.http.post(API + path, json=body)
    assert answer.status_code == 201 and answer.json()[secret]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "body", "field", "words"),
    [
        ("/collections", {"name": "a b"}, "name", "a collection name is 1 to 128"),
        ("/keys", {"name": "a", "scopes": []}, "scopes", "needs at least one item"),
        (
            "/keys",
            {"name": "a", "scopes": ["search"], "collections": ["a b"]},
            "collections.0",
            "a collection name is 1 to 128",
        ),
    ],
)
async def test_problem_names_the_field_in_words(
    library: Library, path: str, body: dict[str, object], field: str, words: str
) -> None:
    [error] = (await library.http.post(API + path, json=body)).json()["errors"]
    assert error["field"] == field and words in error["message"]


@pytest.mark.parametrize(("scope", "offered"), [(Scope.ADMIN, True), (Scope.INGEST, False)])
async def test_only_administrators_are_offered_a_new_collection(
    closed: Library, scope: Scope, offered: bool
) -> None:
    _, token = await closed.keys.create("browser", [scope, Scope.SEARCH])
    page = (await closed.http.get("/", headers={"Authorization": f"Bearer {token}"})).text
    assert (f'data-create="{API}/collections"' in page) is offered
