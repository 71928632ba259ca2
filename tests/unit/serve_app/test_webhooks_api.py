"""Routes, client and commands of webhooks."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from serve_app.cli.main import app
from serve_app.client import AsyncClient, Client, PaperworksProblem
from tests.unit.serve_app.library import API, Library

URL = "https://lab.example/papers"
ID, DELIVERY = "wh_" + "0" * 16, "whd_" + "0" * 32


async def post(library: Library, path: str, body: Any = None) -> httpx.Response:
    return await library.http.post(f"{API}/webhooks{path}", json=body)


async def test_secret_is_shown_only_in_the_response_to_the_creation(library: Library) -> None:
    created = await post(library, "", {"url": URL, "collections": ["physics"]})
    assert created.status_code == 201, created.text
    body = created.json()
    assert body["secret"].startswith("whsec_") and body["collections"] == ["physics"]
    assert len(body["events"]) == 4 and body["disabled_at"] is None
    path = f"/webhooks/{body['webhook_id']}"
    changed = await library.http.patch(API + path, json={"events": ["job_failed"]})
    ping = (await post(library, f"/{body['webhook_id']}/test")).json()
    again = await post(library, f"/{body['webhook_id']}/deliveries/{ping['delivery_id']}/redeliver")
    assert again.status_code == 202
    others = [
        *(changed.text, again.text),
        *[(await library.get(one)).text for one in ("/webhooks", path, f"{path}/deliveries")],
    ]
    assert all(body["secret"] not in text and "secret" not in text for text in others)
    assert changed.json()["events"] == ["job_failed"]
    assert (await library.http.delete(API + path)).status_code == 204
    assert (await library.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://lab.example/"}, "refused_webhook_url"),
        ({"url": "https://169.254.169.254/"}, "refused_webhook_url"),
        ({"url": "nonsense"}, "refused_webhook_url"),
        ({}, "invalid_request"),
        ({"url": ""}, "invalid_request"),
        ({"url": f"https://lab.example/{'a' * 2000}"}, "invalid_request"),
        ({"url": URL, "events": []}, "invalid_request"),
        ({"url": URL, "events": ["job_started"]}, "invalid_request"),
        ({"url": URL, "collections": []}, "invalid_request"),
        ({"url": URL, "collections": ["a b"]}, "invalid_request"),
        ({"url": URL, "secret": "whsec_own"}, "invalid_request"),
    ],
)
async def test_invalid_webhook_is_refused(
    library: Library, body: dict[str, Any], code: str
) -> None:
    answer = await post(library, "", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await library.get("/webhooks")).json() == {"items": []}


async def test_unknown_ids_are_not_found(library: Library) -> None:
    known = (await post(library, "", {"url": URL})).json()["webhook_id"]
    for method, path in (
        *(("GET", f"/{ID}"), ("PATCH", f"/{ID}"), ("DELETE", f"/{ID}"), ("GET", "/x")),
        *(("GET", f"/{ID}/deliveries"), ("POST", f"/{ID}/test")),
        *(("POST", f"/{name}/deliveries/{DELIVERY}/redeliver") for name in (known, ID)),
        ("POST", f"/{known}/deliveries/x/redeliver"),
    ):
        body = {} if method == "PATCH" else None
        answer = await library.http.request(method, f"{API}/webhooks{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)


async def test_disabled_webhook_refuses_tests(library: Library) -> None:
    name = (await post(library, "", {"url": URL})).json()["webhook_id"]
    for enabled, status in ((False, 409), (True, 202)):
        changed = await library.http.patch(f"{API}/webhooks/{name}", json={"enabled": enabled})
        assert (changed.json()["disabled_reason"] is None) is enabled
        assert (await post(library, f"/{name}/test")).status_code == status


async def test_client_manages_webhooks(library: Library) -> None:
    client: AsyncClient = library.async_client()
    created = await client.create_webhook(URL, ["physics"], ["job_failed"])
    assert created.secret and created.events == ("job_failed",)
    name = created.webhook_id
    assert [one.webhook_id for one in (await client.webhooks()).items] == [name]
    assert (await client.change_webhook(name, collections=None)).collections is None
    pings = [await client.test_webhook(name) for _ in range(2)]
    first = await client.deliveries(name, limit=1)
    rest = await client.deliveries(name, cursor=first.next_cursor)
    found = [one.delivery_id for one in (*first.items, *rest.items)]
    assert found == [one.delivery_id for one in reversed(pings)]
    assert (await client.redeliver(name, found[0])).status == "pending"
    await client.delete_webhook(name)
    with pytest.raises(PaperworksProblem) as unknown:
        await client.webhook(name)
    assert unknown.value.status == 404


# --- commands


@pytest.fixture
def paperworks(url: str, monkeypatch: pytest.MonkeyPatch):
    """Returns a function that runs `paperworks webhooks` against the served library."""
    monkeypatch.setenv("PAPERWORKS_URL", url)
    return run


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["webhooks", *arguments])


def test_commands_manage_webhooks(paperworks, url: str) -> None:
    created = paperworks("add", URL, "--collection", "physics", "--event", "job_failed")
    assert created.exit_code == 0, created.output
    assert created.stdout.startswith("whsec_") and "only once" in created.stderr
    with Client(url) as client:
        [webhook] = client.webhooks().items
    name = webhook.webhook_id
    assert paperworks("list").stdout.split() == [name, URL, "physics", "job_failed"]
    tested = json.loads(paperworks("test", name, "--json").stdout)
    assert (tested["event"], tested["status"]) == ("ping", "pending")
    listed = paperworks("deliveries", name).stdout
    assert tested["delivery_id"] in listed and "ping  pending  0 attempts" in listed
    assert paperworks("redeliver", name, tested["delivery_id"]).exit_code == 0
    with Client(url) as client:
        client.change_webhook(name, enabled=False)
    assert "disabled: disabled by a request" in paperworks("list").stdout
    assert "disabled" not in paperworks("enable", name).stdout
    assert paperworks("remove", name).stdout == f"Removed {name}.\n"
    assert json.loads(paperworks("list", "--json").stdout) == {"items": []}


def test_commands_report_problems(paperworks) -> None:
    refused = paperworks("add", "http://lab.example")
    assert refused.exit_code == 1 and "does not use TLS" in refused.stderr
    assert "There is no webhook" in paperworks("deliveries", ID).stderr
    assert paperworks("add", URL, "--event", "nonsense").exit_code == 1
