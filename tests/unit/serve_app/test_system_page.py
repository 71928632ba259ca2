"""The System page: lanes, charts, workers, stores and links, also while parts do not answer."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from configs.settings import Settings
from domain.errors import DatabaseUnavailable
from domain.system import Worker, Workforce
from serve_app.system.compose import system_facts
from serve_app.system.report import SystemReport, no_workforce
from tests.unit.serve_app.library import Library, pdf

AskWorkforce = Callable[[], Awaitable[Workforce]]
SCRIPT = "<img src=x onerror=alert(1)>"


async def system_page(library: Library, *, of_htmx: bool = False) -> str:
    headers = {"HX-Request": "true"} if of_htmx else {}
    response = await library.http.get("/system", headers=headers)
    assert response.status_code == 200, response.text
    return response.text


def replace_report(library: Library, workforce: AskWorkforce = no_workforce) -> None:
    """Serves a report that has kept nothing of earlier requests."""
    facts = library.services.system.facts
    report = SystemReport(facts, library.system_queries, library.activity, workforce)
    library.services = dataclasses.replace(library.services, system=report)
    library.app.state.services = library.services


async def away() -> Any:
    raise DatabaseUnavailable


async def test_page_shows_components_and_queues(library: Library) -> None:
    library.checks["vector_store"] = away
    await library.upload(pdf())
    page = await system_page(library)
    assert "vector store" in page and "not ready" in page
    assert '<td class="number" data-label="Queued">1</td>' in page
    assert "physics × 2" in page and "2 micro-batches of 16 papers, 0.75 CPU each" in page
    assert "<html" not in await system_page(library, of_htmx=True)


async def test_page_shows_the_last_hour_as_charts_and_numbers(library: Library) -> None:
    empty = await system_page(library)
    assert 'id="chart-papers"' in empty and "No paper, search or upload" in empty
    await library.upload(pdf())
    await library.search("light")
    await library.app.state.metrics.times.flush(library.activity)
    replace_report(library)
    page = await system_page(library)
    assert "1 search<" in page and "1 request, p50" in page
    assert "Minute (UTC)" in page and 'class="good" d="M' in page


async def test_page_shows_workers_and_stores(library: Library, tmp_path: Path) -> None:
    async def workforce() -> Workforce:
        return Workforce([Worker(SCRIPT, 4711, "holds 3 papers", 5_000_000)], {"bulk": 3})

    replace_report(library, workforce)
    await library.upload(pdf())
    page = await system_page(library)
    assert SCRIPT not in page and "&lt;img src=x" in page
    assert "4711" in page and "5.0 MB" in page and "holds 3 papers" in page
    assert '<td class="number" data-label="Claimed">3</td>' in page
    assert "http://milvus:19530" in page and str(tmp_path / "stores" / "postgres") in page
    assert "1 PDF<" in page and "Free disk space" in page


async def test_page_opens_while_the_database_is_away(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, name in (
        (library.system_queries, "lanes"),
        (library.system_queries, "totals"),
        (library.activity, "last_hour"),
    ):
        monkeypatch.setattr(owner, name, away)
    replace_report(library)
    page = await system_page(library)
    assert "the database does not answer" in page
    assert '<td class="number" data-label="Queued">–</td>' in page


async def test_page_links_to_dashboard_without_its_token(library: Library, tmp_path: Path) -> None:
    assert "not started by this service" in await system_page(library)
    token = tmp_path / "it's a token"
    token.write_text("secret-token")
    info = {"dashboard_url": "http://127.0.0.1:8265", "ray_token_path": str(token)}
    (tmp_path / "service.json").write_text(json.dumps(info))
    page = await system_page(library)
    assert 'href="http://127.0.0.1:8265"' in page and "secret-token" not in page
    assert "it&#39;&#34;&#39;&#34;&#39;s a token" in page, "the path is quoted for the shell"


async def test_page_links_to_grafana_if_it_is_set(library: Library) -> None:
    assert "Grafana" not in await system_page(library)
    report = library.services.system
    report.facts = dataclasses.replace(report.facts, grafana_url="https://grafana.example/d/1")
    assert 'href="https://grafana.example/d/1"' in await system_page(library)


def test_facts_have_no_passwords(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        database_url="postgresql://ada:secret@db.example/papers",
        milvus_uri="http://root:secret@milvus.example:19530",
        blob_uri="s3://bucket/papers",
    )
    facts = system_facts(settings)
    assert "secret" not in repr(facts)
    assert facts.database.address == "postgresql://ada@db.example/papers"
    assert (facts.blobs.address, facts.folders) == ("s3://bucket/papers", (tmp_path,))


def test_facts_name_the_folders_of_embedded_stores(tmp_path: Path) -> None:
    facts = system_facts(Settings(home=tmp_path))
    assert facts.vectors.folder == tmp_path / "stores" / "milvus"
    assert facts.blobs.folder == tmp_path / "blobs"
    assert facts.folders == (tmp_path, tmp_path / "blobs")
