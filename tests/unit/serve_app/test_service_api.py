"""Health, metrics, documentation, request ids, and problem responses."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import BaseModel

from domain.errors import DatabaseUnavailable, NotFound, PaperworksError
from domain.webhooks import WebhookEvent
from serve_app.api.problems import status_of
from serve_app.schemas import requests
from serve_app.schemas.core import Problem
from tests.unit.serve_app.library import Library, pdf

ALIVE = {"status": "alive", "process": os.getpid()}


async def fine() -> None:
    """Readiness check that passes."""


async def away() -> None:
    raise DatabaseUnavailable


async def broken() -> None:
    raise KeyError("secret")


async def silent() -> None:
    await asyncio.sleep(60)


async def test_livez_ignores_failed_checks(library: Library) -> None:
    library.checks["database"] = away
    answer = await library.http.get("/livez")
    assert (answer.status_code, answer.json()) == (200, ALIVE)


async def test_readyz_succeeds_when_all_checks_pass(library: Library) -> None:
    library.checks.update(database=fine, vector_store=fine)
    answer = await library.http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "process": os.getpid(),
        "checks": {"database": "ok", "vector_store": "ok", "store_identity": "ok"},
    }


async def test_readyz_reports_failed_checks(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve_app.api.health.CHECK_SECONDS", 0.1)
    library.checks.update(database=away, vector_store=fine, embedder=silent, other=broken)
    answer = await library.http.get("/readyz")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "not_ready")
    assert answer.headers["retry-after"]
    assert problem["checks"]["vector_store"] == "ok"
    assert "database is unavailable" in problem["checks"]["database"]
    assert "0.1 s" in problem["checks"]["embedder"]
    assert "secret" not in answer.text


async def test_metrics_label_requests_by_route_and_tasks_by_lane(library: Library) -> None:
    await library.upload(pdf())
    await library.get("/jobs/job_one")
    await library.get("/jobs/job_two")
    await library.http.get("/nowhere")
    await library.search("anything", mode="sparse")
    page = (await library.http.get("/metrics")).text
    count = 'requests_total{{method="{}",route="{}",status="{}"}} {}'
    assert count.format("GET", "/api/v1/jobs/{job_id}", 404, 2.0) in page
    assert count.format("POST", "/api/v1/upload-async", 202, 1.0) in page
    assert count.format("GET", "unmatched", 404, 1.0) in page
    assert 'paperworks_tasks{lane="interactive",status="queued"} 1.0' in page
    assert 'paperworks_searches_total{mode="sparse"} 1.0' in page
    assert "paperworks_http_request_seconds_bucket" in page


async def test_metrics_count_pending_webhook_deliveries(library: Library) -> None:
    webhook, _ = await library.services.webhooks.create("https://lab.example", list(WebhookEvent))
    await library.services.webhooks.ping(webhook.webhook_id)
    pending = "paperworks_webhook_deliveries_pending {}"
    assert pending.format("1.0") in (await library.http.get("/metrics")).text
    await library.services.webhooks.change(webhook.webhook_id, {"enabled": False})
    assert pending.format("0.0") in (await library.http.get("/metrics")).text


@pytest.mark.parametrize("store", ["queue", "webhooks"])
async def test_metrics_work_without_the_database(
    library: Library, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    method = {"queue": "depths", "webhooks": "pending"}[store]
    monkeypatch.setattr(getattr(library.services, store), method, away)
    answer = await library.http.get("/metrics")
    assert answer.status_code == 200
    assert "paperworks_tasks{" not in answer.text
    assert "paperworks_webhook_deliveries_pending" not in answer.text


async def test_metrics_registry_is_per_app(library: Library, tmp_path: Path) -> None:
    other = Library(tmp_path / "other")
    await library.upload(pdf())
    assert 'outcome="accepted"' not in (await other.http.get("/metrics")).text


async def test_request_id_is_returned_or_generated(library: Library) -> None:
    given = await library.get("/jobs/x", headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == given.json()["request_id"] == "abc-1"
    for odd in ("a b", "x" * 200):
        made = await library.get("/jobs/x", headers={"X-Request-ID": odd})
        assert re.fullmatch("[0-9a-f]{32}", made.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "unknown_route"),
        ("GET", "/api/v1/nowhere", 404, "unknown_route"),
        ("PUT", "/api/v1/jobs", 405, "method_not_allowed"),
        ("GET", "/docs/assets/none.js", 404, "unknown_route"),
    ],
)
async def test_unknown_routes_return_problem_json(
    library: Library, method: str, path: str, status: int, code: str
) -> None:
    answer = await library.http.request(method, path)
    problem = Problem.model_validate_json(answer.content)
    assert (answer.status_code, problem.status, problem.code) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.type == f"urn:paperworks:problem:{code}"


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v1/documents", "GET, POST"),
        (f"/api/v1/documents/doc_{0:024}", "DELETE, GET, PATCH"),
        ("/api/v1/search", "POST"),
    ],
)
async def test_method_not_allowed_lists_all_methods_of_the_path(
    library: Library, path: str, methods: str
) -> None:
    answer = await library.http.put(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)


async def test_malformed_json_error_has_position(library: Library) -> None:
    answer = await library.http.post(
        "/api/v1/search", content='{"query": }', headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert "character 10" in answer.json()["detail"]


async def test_internal_error_exposes_only_the_request_id(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library.stores.documents, "collections", broken)
    answer = await library.get("/collections")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal_error")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text


async def test_upload_returns_503_without_database_and_sends_no_wake(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def admit(*_: object, **__: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(library.stores.jobs, "admit", admit)
    answer = await library.upload(pdf())
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert library.wake_calls == 0


async def test_openapi_documents_routes_and_problem_responses(library: Library) -> None:
    schema = (await library.http.get("/openapi.json")).json()
    operations = {
        f"{method} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }
    assert "post /api/v1/upload-async" in operations
    for name, operation in operations.items():
        assert operation["description"], name
        assert "requestBody" not in operation or "400" in operation["responses"], name
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (name, status)
    upload = operations["post /api/v1/upload-async"]
    assert set(upload["responses"]) >= {"202", "400", "413", "415", "503"}
    assert set(upload["requestBody"]["content"]) == {"multipart/form-data", "application/pdf"}


def test_openapi_has_a_valid_example_of_every_json_body(library: Library) -> None:
    models = {
        name: model
        for name, model in vars(requests).items()
        if isinstance(model, type) and issubclass(model, BaseModel)
    }
    schema = library.app.openapi()
    bodies = [
        body["$ref"].rpartition("/")[2]
        for methods in schema["paths"].values()
        for operation in methods.values()
        if (content := operation.get("requestBody", {}).get("content", {}).get("application/json"))
        for body in [content["schema"]]
    ]
    assert len(bodies) > 8
    for name in bodies:
        [example] = schema["components"]["schemas"][name]["examples"]
        models[name].model_validate(example)
    [problem] = schema["components"]["schemas"]["Problem"]["examples"]
    assert Problem.model_validate(problem).code == NotFound.code


async def test_docs_page_loads_only_local_assets(library: Library) -> None:
    home = await library.http.get("/docs")
    assert "http://" not in home.text
    assert "https://" not in home.text
    assets = re.findall(r'(?:src|href)="(docs/[^"]+)"', home.text)
    assert len(assets) == 2
    for asset in assets:
        assert (await library.http.get(f"/{asset}")).status_code == 200


def test_every_error_class_has_a_status() -> None:
    def tree(kind: type[PaperworksError]) -> list[type[PaperworksError]]:
        return [kind, *(leaf for child in kind.__subclasses__() for leaf in tree(child))]

    own_mistakes = {"error", "internal_error", "worker_crashed", "worker_stalled"}
    own_mistakes |= {"invalid_setting", "schema_too_new"}  # raised at startup, before HTTP
    for kind in tree(PaperworksError):
        assert (status_of(kind()) == 500) == (kind.code in own_mistakes), kind


def test_api_imports_no_ray_torch_mupdf_or_settings() -> None:
    code = (
        "import sys, serve_app.api.app;"
        "print({'ray', 'torch', 'pymupdf', 'configs', 'pymilvus'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


async def test_openapi_contains_patterns_of_identifiers_and_cursors(library: Library) -> None:
    schema = (await library.http.get("/openapi.json")).json()
    shown: dict[str, set[str | None]] = {}
    for methods in schema["paths"].values():
        for operation in methods.values():
            for item in operation.get("parameters", []):
                forms = item["schema"].get("anyOf", [item["schema"]])
                form = forms[0].get("items", forms[0])
                shown.setdefault(item["name"], set()).add(form.get("pattern"))
    assert shown["document_id"] == {"^doc_[0-9a-f]{24}$"}
    assert shown["job_id"] == {"^job_[0-9a-f]{16}$"}
    assert shown["name"] == shown["collection"] == {"^[A-Za-z0-9._-]{1,128}$"}
    assert None not in shown["cursor"] | shown["idempotency-key"]


@pytest.mark.parametrize("odd", ["\0", "doc_x", "doc_" + "0" * 24 + "\n", "\u202e", "a" * 9000])
async def test_malformed_identifier_returns_404_like_unknown(library: Library, odd: str) -> None:
    for path in ("documents/{}", "jobs/{}", "jobs/{}/events", "collections/{}/export"):
        answer = await library.get("/" + path.format(quote(odd, safe="")))
        assert answer.status_code == 404
        assert answer.json()["code"] in ("not_found", "unknown_collection")
        assert len(answer.json()["detail"]) < 1000
