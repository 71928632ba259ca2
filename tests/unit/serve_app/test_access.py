"""API keys: every route and page with every scope, keys of other collections, sessions, limits."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from domain.access import Scope
from runtime.http_options import HttpOptions
from serve_app.access.gate import COOKIE, csrf_token_of
from serve_app.access.middleware import is_public
from serve_app.pages.sign_in_page import local_path
from tests.unit.serve_app.library import API, Library, pdf

# Routes for every valid key: they state what the key is, or end a session.
FOR_EVERY_KEY = {f"{API}/access", "/sign-out"}
HTML = {"Accept": "text/html"}
ALL = frozenset(Scope)
WEBHOOK = {"webhook_id": "wh_" + "0" * 16, "delivery_id": "whd_" + "0" * 32}


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a route, without a body."""

    method: str
    template: str
    scopes: frozenset[Scope]

    def path(self, **ids: str) -> str:
        """Returns the path with these ids; numbers are 1, and streams end at once."""
        known = {"number": "1", "key_id": "0" * 12, **WEBHOOK, **ids}
        path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: known[match[1]], self.template)
        return f"{path}?seconds=0" if path.endswith("/events") else path


def calls(library: Library) -> Iterator[Call]:
    """Yields every route of the app that is not public, with the scopes that it accepts."""
    for route in iter_route_contexts(library.app.routes):
        if not isinstance(route.original_route, APIRoute) or is_public(route.path or ""):
            continue
        scopes = [
            found
            for one in route.dependant.dependencies  # pyright: ignore[reportAttributeAccessIssue]
            if (found := getattr(one.call, "scopes", None)) is not None
        ]
        for method in route.methods or ():
            yield Call(method, route.path or "", frozenset.intersection(ALL, *scopes))


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[Library]:
    """A library whose requests need a key."""
    library = Library(tmp_path, http=HttpOptions(hosts=["library"], auth="required"))
    yield library
    await library.http.aclose()
    library.close()


UNKNOWN = {
    "document_id": "doc_" + "0" * 24,
    "chunk_id": "0" * 32,
    "job_id": "job_" + "0" * 16,
    "name": "nowhere",
}


async def bearer(
    library: Library, *scopes: Scope, collections: list[str] | None = None
) -> dict[str, str]:
    _, token = await library.keys.create("test", scopes, collections)
    return {"Authorization": f"Bearer {token}"}


async def filled(library: Library, collection: str) -> dict[str, str]:
    """Returns the ids of a read paper, its job and its collection."""
    admin = await bearer(library, Scope.ADMIN)
    files = {"file": ("paper.pdf", pdf(collection), "application/pdf")}
    data = {"collection": collection}
    response = await library.http.post(f"{API}/upload-async", files=files, data=data, headers=admin)
    await library.read_papers("Light bends near the sun.")
    body = response.json()
    [chunk] = library.vectors.chunks(body["document_id"], 1)
    return {
        "document_id": body["document_id"],
        "chunk_id": chunk.chunk_id,
        "job_id": body["job_id"],
        "name": collection,
    }


async def test_every_route_requires_a_scope(closed: Library) -> None:
    found = list(calls(closed))
    assert len(found) > 53
    without = {call.template for call in found if call.scopes == ALL}
    assert without == FOR_EVERY_KEY


async def test_every_route_refuses_requests_without_valid_key(closed: Library) -> None:
    admin = await bearer(closed, Scope.ADMIN)
    wrong = [
        {},
        {"Authorization": admin["Authorization"][:-1] + "?"},
        {"Authorization": "Bearer pw_000000000000_" + "A" * 43},
        {"Authorization": admin["Authorization"].replace("Bearer", "Basic")},
        {"Cookie": f"{COOKIE}=unknown"},
    ]
    for call in calls(closed):
        path = call.path(**UNKNOWN)
        for headers in wrong:
            answer = await closed.http.request(call.method, path, headers=headers)
            assert answer.status_code == 401, call
            assert call.method == "HEAD" or answer.json()["code"] == "unauthenticated"
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("scope", Scope)
async def test_every_route_refuses_keys_without_its_scope(closed: Library, scope: Scope) -> None:
    ids, key = await filled(closed, "physics"), await bearer(closed, scope)
    for call in calls(closed):
        answer = await closed.http.request(call.method, call.path(**ids), headers=key)
        is_refused = answer.status_code == 403
        may_call = scope is Scope.ADMIN or scope in call.scopes  # admin includes the others
        assert is_refused != may_call, (call, answer.text)


async def test_refusal_names_the_scope(closed: Library) -> None:
    key = await bearer(closed, Scope.SEARCH)
    answer = await closed.http.delete(f"{API}/collections/physics", headers=key)
    assert answer.json()["code"] == "forbidden"
    assert "the scope admin" in answer.json()["detail"]


async def test_key_of_a_collection_gets_the_answers_of_unknown_ids_elsewhere(
    closed: Library,
) -> None:
    foreign = await filled(closed, "chemistry")
    key = await bearer(closed, Scope.SEARCH, Scope.INGEST, collections=["physics"])
    checked = 0
    for call in calls(closed):
        if "{" not in call.template or (Scope.ADMIN in call.scopes and len(call.scopes) == 1):
            continue
        answers = [
            await closed.http.request(call.method, call.path(**ids), headers=key)
            for ids in (foreign, UNKNOWN)
        ]
        theirs, none = (_without_ids(answer, foreign, UNKNOWN) for answer in answers)
        assert theirs == none, call
        assert theirs[0] == 404, call
        checked += 1
    assert checked > 25
    assert (await closed.stores.documents.get(foreign["document_id"])).status == "ready"


def _without_ids(answer: httpx.Response, *ids: dict[str, str]) -> tuple[int, str]:
    text = re.sub(r"[0-9a-f]{32}", "a request id", answer.text)
    for known in ids:
        for name, value in known.items():
            text = text.replace(value, name)
    return answer.status_code, text


async def test_lists_and_searches_show_only_the_collections_of_the_key(closed: Library) -> None:
    own, foreign = await filled(closed, "physics"), await filled(closed, "chemistry")
    key = await bearer(closed, Scope.SEARCH, collections=["physics"])

    async def get(path: str, **params: Any) -> Any:
        answer = await closed.http.get(API + path, params=params, headers=key)
        assert answer.status_code == 200, answer.text
        return answer

    listed = (await get("/documents")).json()["items"]
    assert [one["document_id"] for one in listed] == [own["document_id"]]
    assert (await get("/documents", collection="chemistry")).json()["items"] == []
    jobs = (await get("/jobs")).json()["items"]
    assert [one["job_id"] for one in jobs] == [own["job_id"]]
    assert (await get("/jobs", collection="chemistry")).json()["items"] == []
    assert [one["name"] for one in (await get("/collections")).json()["items"]] == ["physics"]
    ids = [own["document_id"], foreign["document_id"]]
    exported = (await get("/bibliography", document_id=ids, format="csl")).json()
    assert len(exported) == 1
    for query in ({}, {"filters": {"document_ids": [foreign["document_id"]]}}, {"mode": "sparse"}):
        hits = await _hits(closed, key, **query)
        assert {hit["document_id"] for hit in hits} <= {own["document_id"]}
    assert await _hits(closed, key)
    for path in ("/", "/jobs", "/search?q=light+near+the+sun", "/upload"):
        page = (await closed.http.get(path, headers=key | HTML)).text
        for name, value in foreign.items():
            assert value not in page, (path, name)


async def _hits(library: Library, key: dict[str, str], **options: Any) -> list[dict[str, Any]]:
    body = {"query": "light near the sun", **options}
    answer = await library.http.post(f"{API}/search", json=body, headers=key)
    assert answer.status_code == 200, answer.text
    return answer.json()["hits"]


async def test_search_of_a_foreign_collection_equals_that_of_an_unknown_one(
    closed: Library,
) -> None:
    await filled(closed, "chemistry")
    key = await bearer(closed, Scope.SEARCH, collections=["physics"])
    for collection in ("chemistry", "nowhere"):
        body = {"query": "light", "collection": collection}
        answer = await closed.http.post(f"{API}/search", json=body, headers=key)
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith(f"There is no collection '{collection}'; ")


@pytest.mark.parametrize("path", ["/upload-async", "/documents"])
async def test_upload_to_a_foreign_collection_keeps_nothing(
    closed: Library, path: str, tmp_path: Path
) -> None:
    key = await bearer(closed, Scope.INGEST, collections=["physics"])
    name = "file" if path == "/upload-async" else "files"
    for fields in ({"collection": "chemistry"}, {}):
        answer = await closed.http.post(
            API + path,
            files={name: ("a.pdf", pdf("a"), "application/pdf")},
            data=fields,
            headers=key,
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_collection")
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    accepted = await closed.http.post(
        API + path,
        files={name: ("a.pdf", pdf("a"), "application/pdf")},
        data={"collection": "physics"},
        headers=key,
    )
    assert accepted.status_code == 202


async def test_keys_are_created_listed_and_revoked(closed: Library) -> None:
    admin = await bearer(closed, Scope.ADMIN)
    body = {"name": "notebook", "scopes": ["search"], "collections": ["physics"]}
    created = await closed.http.post(f"{API}/keys", json=body, headers=admin)
    assert created.status_code == 201
    token, key_id = created.json()["token"], created.json()["key_id"]
    own = {"Authorization": f"Bearer {token}"}
    access = (await closed.http.get(f"{API}/access", headers=own)).json()
    assert access == {
        "actor": f"key {key_id}", "scopes": ["search"], "collections": ["physics"]
    }  # fmt: skip
    listed = (await closed.http.get(f"{API}/keys", headers=admin)).text
    assert "notebook" in listed and token.rpartition("_")[2] not in listed
    for _ in range(2):
        gone = await closed.http.delete(f"{API}/keys/{key_id}", headers=admin)
        assert gone.status_code == 204
    assert (await closed.http.get(f"{API}/access", headers=own)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "scopes": ["search"]},
        {"name": "a", "scopes": []},
        {"name": "a", "scopes": ["root"]},
        {"name": "a\u0007", "scopes": ["search"]},
        {"name": "a", "scopes": ["admin"], "collections": ["physics"]},
        {"name": "a", "scopes": ["search"], "collections": []},
        {"name": "a", "scopes": ["search"], "expires_days": 0},
    ],
)
async def test_invalid_keys_are_refused(closed: Library, body: dict[str, Any]) -> None:
    admin = await bearer(closed, Scope.ADMIN)
    answer = await closed.http.post(f"{API}/keys", json=body, headers=admin)
    assert answer.status_code == 422, answer.text


# --- browsers


async def sign_in(library: Library, *scopes: Scope, next_page: str = "/") -> httpx.Response:
    _, token = await library.keys.create("browser", scopes)
    form = {"key": f" {token}\n", "next": next_page}
    return await library.http.post("/sign-in", data=form)


async def test_pages_lead_to_the_sign_in_and_back(closed: Library) -> None:
    asked = await closed.http.get("/jobs?status=running", headers=HTML)
    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=/jobs%3Fstatus%3Drunning"
    form = await closed.http.get(asked.headers["location"])
    assert 'name="next" value="/jobs?status=running"' in form.text
    answer = await sign_in(closed, Scope.SEARCH, next_page="/jobs?status=running")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?status=running")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie
    assert (await closed.http.get("/jobs", headers=HTML)).status_code == 200


async def test_fragments_of_a_signed_out_page_replace_the_page(closed: Library) -> None:
    answer = await closed.http.get("/system", headers={"HX-Request": "true", **HTML})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in?next=/system")


async def test_sign_in_refuses_wrong_key_without_session(closed: Library) -> None:
    answer = await closed.http.post("/sign-in", data={"key": "pw_wrong", "next": "/"})
    assert answer.status_code == 401
    assert "This key is not valid" in answer.text
    assert "set-cookie" not in answer.headers and "pw_wrong" not in answer.text


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nb"],
)
def test_sign_in_leads_to_no_other_host(address: str) -> None:
    assert local_path(address) == "/"


async def test_changes_of_a_session_need_the_token_of_its_page(closed: Library) -> None:
    ids = await filled(closed, "physics")
    await sign_in(closed, Scope.INGEST, Scope.SEARCH)
    path = f"{API}/documents/{ids['document_id']}"
    page = await closed.http.get("/", headers=HTML)
    shown = re.search(r'data-csrf-token="(\w+)"', page.text)
    assert shown and shown[1] == csrf_token_of(closed.http.cookies[COOKIE])
    for given in ({}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "\xff".encode("latin-1")}):
        refused = await closed.http.delete(path, headers=given)  # pyright: ignore[reportArgumentType]
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_csrf_token")
    accepted = await closed.http.delete(path, headers={"X-CSRF-Token": shown[1]})
    assert accepted.status_code == 204


FOREIGN_PAGES = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://library:9"},  # another service of this machine
    {"Origin": "null"},  # a sandboxed frame, a file
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("page", FOREIGN_PAGES)
async def test_foreign_page_changes_nothing_with_the_session_of_the_browser(
    closed: Library, page: dict[str, str]
) -> None:
    """A browser would not send the cookie (SameSite=Strict); the service does not rely on it."""
    ids = await filled(closed, "physics")
    await sign_in(closed, Scope.ADMIN)
    session = closed.http.cookies[COOKIE]
    for token in ({}, {"X-CSRF-Token": csrf_token_of(session)}):
        for call in calls(closed):
            if call.method in ("GET", "HEAD"):
                continue
            answer = await closed.http.request(call.method, call.path(**ids), headers=page | token)
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request"), call
    answer = await closed.http.post("/sign-in", data={"key": "pw_any"}, headers=page)
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    kept = await closed.http.get(f"{API}/documents/{ids['document_id']}")
    assert kept.status_code == 200 and closed.http.cookies[COOKIE] == session


@pytest.mark.parametrize("page", FOREIGN_PAGES)
async def test_foreign_page_cannot_read_answers(closed: Library, page: dict[str, str]) -> None:
    ids = await filled(closed, "physics")
    await sign_in(closed, Scope.ADMIN)
    for call in calls(closed):
        if call.method == "GET":
            answer = await closed.http.get(call.path(**ids), headers=page)
            allowing = [name for name in answer.headers if name.startswith("access-control-")]
            assert allowing == [], call
            assert answer.headers["cross-origin-resource-policy"] == "same-origin", call


async def test_sign_out_ends_the_session(closed: Library) -> None:
    await sign_in(closed, Scope.SEARCH)
    session = closed.http.cookies[COOKIE]
    token = {"X-CSRF-Token": csrf_token_of(session)}
    assert (await closed.http.post("/sign-out", headers=token)).status_code == 204
    again = await closed.http.get(f"{API}/access", headers={"Cookie": f"{COOKIE}={session}"})
    assert again.status_code == 401


async def test_services_on_two_ports_have_separate_sessions(closed: Library) -> None:
    _, token = await closed.keys.create("browser", [Scope.SEARCH])
    names = set()
    for address in ("http://library", "http://library:8000", "http://library:8001"):
        async with closed.connect(address) as browser:
            await browser.post("/sign-in", data={"key": token})
            names |= set(browser.cookies)
            assert (await browser.get("/", headers=HTML)).status_code == 200
    assert names == {COOKIE, f"{COOKIE}_8000", f"{COOKIE}_8001"}


async def test_pages_offer_only_what_the_key_may_do(closed: Library) -> None:
    await sign_in(closed, Scope.SEARCH)
    page = (await closed.http.get("/", headers=HTML)).text
    assert 'href="/search"' in page and 'href="/system"' not in page
    assert 'href="/upload"' not in page
    refused = await closed.http.get("/upload", headers=HTML)
    assert refused.status_code == 403 and "does not include the scope" in refused.text


async def test_open_service_has_no_sign_in(library: Library) -> None:
    answer = await library.http.get("/sign-in")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Sign out" not in (await library.http.get("/")).text


async def test_key_moves_papers_only_between_its_collections(closed: Library) -> None:
    ids = await filled(closed, "physics")
    await filled(closed, "secret")
    key = await bearer(closed, Scope.INGEST, collections=["physics", "optics"])
    path = f"{API}/documents/{ids['document_id']}"
    for target, status in (("secret", 404), ("nowhere", 404), ("optics", 200)):
        answer = await closed.http.patch(path, json={"collection": target}, headers=key)
        assert answer.status_code == status, target


# --- limits


async def test_requests_above_the_limit_get_429_with_headers(tmp_path: Path) -> None:
    options = HttpOptions(hosts=["library"], auth="required", requests_per_minute=3)
    library = Library(tmp_path, http=options)
    one, two = await bearer(library, Scope.SEARCH), await bearer(library, Scope.SEARCH)
    left = []
    for _ in range(3):
        answer = await library.http.get(f"{API}/access", headers=one)
        left.append(answer.headers["ratelimit"])
        assert answer.headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert left == [f'"requests";r={number};t=30' for number in (2, 1, 0)]
    refused = await library.http.get(f"{API}/access", headers=one)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "30"
    assert (await library.http.get(f"{API}/access", headers=two)).status_code == 200
    strangers = [await library.http.get(f"{API}/access") for _ in range(4)]
    assert [answer.status_code for answer in strangers] == [401, 401, 401, 429]
    assert (await library.http.get("/livez")).status_code == 200
    await library.http.aclose()
    library.close()


async def test_key_of_another_collection_learns_no_name_of_a_renamed_one(closed: Library) -> None:
    admin = await bearer(closed, Scope.ADMIN)
    await filled(closed, "physics")
    await filled(closed, "biology")
    other = await bearer(closed, Scope.SEARCH, Scope.INGEST, collections=["biology"])
    own = await bearer(closed, Scope.SEARCH, Scope.INGEST, collections=["physics"])
    address = f"{API}/collections/physics"
    await closed.http.patch(address, json={"name": "optics"}, headers=admin)
    for name in ("physics", "optics", "unknown"):
        answer = await closed.http.get(f"{API}/collections/{name}", headers=other)
        shown = answer.json()["detail"].replace(name, "NAME")
        assert (answer.status_code, shown) == (
            404,
            "There is no collection 'NAME'; list them with GET /api/v1/collections.",
        )
    for name in ("physics", "optics"):
        answer = await closed.http.get(f"{API}/collections/{name}", headers=own)
        assert answer.json()["name"] == "optics"
    listed = (await closed.http.get(f"{API}/collections", headers=own)).json()["items"]
    assert [one["name"] for one in listed] == ["optics"]
