"""Origin check: 421 for an unknown Host, 403 for cross-site changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from runtime.http_options import HttpOptions
from tests.unit.serve_app.library import API, Library, pdf

OURS = "http://127.0.0.1:8000"


@pytest.fixture
async def own(library: Library) -> AsyncIterator[httpx.AsyncClient]:
    """A client that uses the loopback address."""
    async with library.connect(OURS) as client:
        yield client


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "127.0.0.7"]
)
async def test_origin_check_accepts_loopback_on_any_port(own: httpx.AsyncClient, host: str) -> None:
    assert (await own.get("/livez", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs", f"{API}/documents"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.", "10.0.0.1"],
)
async def test_origin_check_rejects_unknown_host_on_every_route(
    own: httpx.AsyncClient, host: str, path: str
) -> None:
    answer = await own.get(path, headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "unknown_host")
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("host", ["", "a b", "user@localhost", "localhost:http", "x" * 400])
async def test_origin_check_rejects_invalid_host(own: httpx.AsyncClient, host: str) -> None:
    answer = await own.get("/livez", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_host")


@pytest.mark.parametrize(
    "hosts", [[], [b"localhost", b"evil.example"], [b"localhost", b"localhost"]]
)
async def test_origin_check_requires_exactly_one_host(library: Library, hosts: list[bytes]) -> None:
    sent: list[dict[str, object]] = []
    scope = {
        "type": "http", "method": "GET", "path": "/livez", "scheme": "http", "query_string": b"",
        "http_version": "1.1", "headers": [(b"host", host) for host in hosts],
    }  # fmt: skip

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await library.app(scope, None, send)  # pyright: ignore[reportArgumentType]
    assert sent[0]["status"] == 400


@pytest.mark.parametrize(
    ("limits", "host", "status"),
    [
        (HttpOptions(hosts=["papers.example"]), "papers.example:9", 200),
        (HttpOptions(hosts=["papers.example:9"]), "papers.example:9", 200),
        (HttpOptions(hosts=["papers.example:9"]), "papers.example:8", 421),
        (HttpOptions(host="10.1.2.3"), "10.1.2.3:8000", 200),
        (HttpOptions(host="fd00::1"), "[fd00::1]:8000", 200),
        (HttpOptions(host="10.1.2.3"), "10.1.2.4:8000", 421),
        (HttpOptions(host="0.0.0.0"), "10.1.2.4:8000", 200),
        (HttpOptions(host="0.0.0.0"), "evil.example:8000", 421),
    ],
)
async def test_origin_check_accepts_configured_hosts(
    tmp_path: Path, limits: HttpOptions, host: str, status: int
) -> None:
    async with Library(tmp_path, http=limits).connect(OURS) as client:
        assert (await client.get("/livez", headers={"Host": host})).status_code == status


CHANGES = [
    ("POST", "/upload-async"),
    ("POST", "/documents"),
    ("POST", "/consistency/repair"),
    ("POST", "/documents/doc_000000000000000000000000/reingest"),
    ("POST", "/jobs/job_0000000000000000/cancel"),
    ("POST", "/jobs/job_0000000000000000/retry"),
    ("DELETE", "/documents/doc_000000000000000000000000"),
    ("POST", "/search"),
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:8001"},
        {"Origin": "https://127.0.0.1:8000"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "null"},
        {"Origin": "nonsense"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": OURS, "Sec-Fetch-Site": "cross-site"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
async def test_origin_check_rejects_cross_site_changes(
    library: Library, own: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await own.request(method, API + path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request")
    assert not library.wake_calls


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OURS, "Sec-Fetch-Site": "same-origin"},
        {"Origin": OURS},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_origin_check_accepts_same_origin_and_programs(
    own: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await own.post(
        f"{API}/upload-async", files={"file": ("a.pdf", pdf())}, headers=headers
    )
    assert answer.status_code == 202


async def test_origin_check_accepts_configured_origin(tmp_path: Path) -> None:
    limits = HttpOptions(hosts=["papers.example"], origins=["https://papers.example"])
    library = Library(tmp_path, http=limits)
    async with library.connect("http://papers.example") as client:
        for origin, status in {"https://papers.example": 202, "https://evil.example": 403}.items():
            headers = {"Origin": origin, "Sec-Fetch-Site": "same-site"}
            files = {"file": ("a.pdf", pdf())}
            answer = await client.post(f"{API}/upload-async", files=files, headers=headers)
            assert answer.status_code == status


async def test_origin_check_allows_cross_site_navigation_without_cors(
    own: httpx.AsyncClient,
) -> None:
    answer = await own.get("/docs", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
