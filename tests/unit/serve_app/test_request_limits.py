"""Request limits: bounded inputs, bounded error responses, documented error codes."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.documents import ChunkKind
from serve_app.api.error_table import error_table
from tests.paths import ROOT
from tests.unit.serve_app.library import API, Library, pdf

SERVE_APP = ROOT / "serve_app"
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
Schema = dict[str, Any]


def unlimited(schema: Schema, place: str, models: dict[str, Schema]) -> Iterator[str]:
    """Yields the paths of unbounded lists and strings in the schema of a request."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        yield from unlimited(models[name], f"{place}:{name}", models)
    for way in ("anyOf", "allOf", "oneOf"):
        for inner in schema.get(way, ()):
            yield from unlimited(inner, place, models)
    for name, inner in schema.get("properties", {}).items():
        yield from unlimited(inner, f"{place}.{name}", models)
    if schema.get("type") == "array":
        yield from unlimited(schema["items"], f"{place}[]", models)
        if "maxItems" not in schema:
            yield place
    limits = {"maxLength", "pattern", "enum", "const", "format"}
    if schema.get("type") == "string" and not limits & schema.keys():
        yield place


async def test_openapi_bounds_every_list_and_string_of_json_bodies(library: Library) -> None:
    described = (await library.http.get("/openapi.json")).json()
    models = described["components"]["schemas"]
    bodies = {
        f"{method} {path}": content["schema"]
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    }
    assert f"post {API}/search" in bodies
    found = [place for name, body in bodies.items() for place in unlimited(body, name, models)]
    assert not found
    assert list(unlimited({"properties": {"a": {"type": "string"}}}, "x", {})) == ["x.a"]


BAD_SEARCHES: dict[str, Any] = {
    "100,000 kinds": {"query": "a", "filters": {"kinds": ["x"] * 100_000}},
    "bad kinds": {"query": "a", "filters": {"kinds": ["x"] * len(ChunkKind)}},
    "1,000 numbers as ids": {"query": "a", "filters": {"document_ids": list(range(1000))}},
    "80,000 unknown fields": {"query": "a", **{f"k{n}": 1 for n in range(80_000)}},
    "forty unknown fields": {"query": "a", **{f"k{n}": 1 for n in range(40)}},
    "one long unknown field": {"query": "a", "k" * 500_000: 1},
    "unknown filters": {"query": "a", "filters": {f"k{n}": 1 for n in range(60_000)}},
}


@pytest.mark.parametrize("name", BAD_SEARCHES)
async def test_validation_error_response_is_bounded(library: Library, name: str) -> None:
    answer = await library.http.post(f"{API}/search", json=BAD_SEARCHES[name])
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_request")
    assert 1 <= len(problem["errors"]) <= 20
    assert len(answer.content) < 15_000


async def test_validation_error_response_counts_omitted_errors(library: Library) -> None:
    answer = await library.http.post(f"{API}/search", json=BAD_SEARCHES["forty unknown fields"])
    problem = answer.json()
    assert (len(problem["errors"]), problem["errors_left_out"]) == (20, 20)
    assert "20 more" in problem["detail"]


def form_of(names: list[str]) -> bytes:
    """Returns a form with a PDF and fields with these names."""
    head = 'Content-Disposition: form-data; name="{}"\r\n\r\n'
    fields = "".join(f"--b\r\n{head.format(name)}x\r\n" for name in names)
    file = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    return (fields + file).encode() + pdf() + b"\r\n--b--\r\n"


@pytest.mark.parametrize("path", ["/upload-async", "/documents"])
@pytest.mark.parametrize("repeated", [True, False], ids=["one name", "many names"])
async def test_form_field_count_is_limited_with_repeated_names(
    library: Library, path: str, repeated: bool
) -> None:
    for count, status in {50: 202, 51: 422, 500: 422}.items():
        names = ["same" if repeated else f"name{n}" for n in range(count)]
        answer = await library.http.post(API + path, content=form_of(names), headers=FORM)
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "path", ["/livez", "/metrics", "/openapi.json", "/nowhere", f"{API}/documents", "/", "/docs"]
)
async def test_every_response_has_security_headers(library: Library, path: str) -> None:
    answer = await library.http.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert len(answer.headers.get_list("content-security-policy")) == 1
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_file_responses_set_their_own_security_headers(library: Library) -> None:
    document = (await library.upload(pdf())).json()["document_id"]
    await library.read_papers()
    original = await library.get(f"/documents/{document}/original")
    assert original.headers["content-security-policy"] == "frame-ancestors 'none'"
    for path in ("text", "markdown", "export?format=json"):
        answer = await library.get(f"/documents/{document}/{path}")
        assert answer.status_code == 200
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_docs_page_csp_allows_only_own_scripts_and_styles(library: Library) -> None:
    page = await library.http.get("/docs")
    [policy] = page.headers.get_list("content-security-policy")
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert "unsafe" not in policy
    assert directives["default-src"] == "'none'"
    assert directives["style-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert re.fullmatch(r"'self' 'sha256-[\w+/=]{44}'", directives["script-src"])
    assert page.text.count("<script>") == 1


async def test_error_in_started_response_is_logged(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    from fastapi.responses import StreamingResponse

    async def breaking() -> AsyncIterator[bytes]:
        yield b"half"
        raise KeyError("why")

    async def route() -> StreamingResponse:
        return StreamingResponse(breaking())

    library.app.add_api_route("/breaking", route)
    with pytest.raises((KeyError, httpx.HTTPError)):
        await library.http.get("/breaking")
    [record] = [item for item in caplog.records if "Request failed" in item.message]
    assert record.exc_info


def constant(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def literal_codes(path: Path) -> Iterator[str]:
    """Yields the literal codes of a module: `code = "x"` and `problem_response(…, "x", …)`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "problem_response":
            yield constant(node.args[2])
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
            yield constant(node.value)


def test_error_table_lists_every_code() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", error_table(), re.MULTILINE))
    used = {code for path in SERVE_APP.rglob("*.py") for code in literal_codes(path)} - {""}
    assert len(used) > 10
    assert used <= listed
    for code in ("http_error", "unknown_route", "method_not_allowed", "client_disconnected"):
        assert code in listed


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nowhere", b"", 404, "unknown_route"),
        ("PUT", "/livez", b"", 405, "method_not_allowed"),
        ("POST", f"{API}/search", b"{", 400, "malformed_json"),
        ("GET", f"/{'x' * 5000}", b"", 404, "unknown_route"),
    ],
)
async def test_framework_errors_have_documented_codes(
    library: Library, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await library.http.request(method, path, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.content) < 2000
    assert json.loads(answer.content)["detail"]
