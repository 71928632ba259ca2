"""The Ray dashboard: the requests of each of its pages are answered with content."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from domain.jobs import Lane
from serve_app.client import Client
from tests.service import RunningService
from tests.timing import wait_until

PAPERS = 6
POLL_SECONDS = 0.5
Value = TypeVar("Value")
# Nodes, tasks and Datasets report to the dashboard once in 1 to 5 s, later on a busy machine.
REPORT_SECONDS = 60
# Requests of the pages (ray/dashboard/client/src/service), and words that the responses contain.
REQUESTS = {
    "/api/cluster_status?format=1": ("Node status", "Resources", "CPU"),
    "/nodes?view=summary": ("ALIVE", "nodeLogicalResources"),
    "/nodes/{node}": ("JobManager", "cmdline"),
    "/api/jobs/": ("DRIVER", "RUNNING"),
    "/api/jobs/{job}": ("DRIVER", "RUNNING"),
    "/api/v0/tasks?detail=1&limit=10000": ("Map(read_embed_index)", "FINISHED"),
    "/api/v0/tasks/summarize?filter_keys=job_id&filter_predicates=%3D&filter_values={job}": (
        "Map(read_embed_index)",
    ),
    # Ray omits a task if it has dropped the record of one of its ancestors.
    "/api/v0/tasks/summarize?filter_keys=job_id&filter_predicates=%3D&filter_values={job}"
    "&summary_by=lineage": ("node_id_to_summary", "lineage"),
    "/api/v0/tasks/timeline?job_id={job}": ("Map(read_embed_index)",),
    "/api/v0/placement_groups?detail=1&limit=10000": ("result",),
    "/logical/actors": ("JobManager", "Embedder", "Runner", "EmbeddedStores"),
    "/api/v0/actors": ("JobManager", "Embedder", "Runner", "EmbeddedStores"),
    "/api/serve/applications/": ("paperworks", "RUNNING", "HEALTHY"),
    "/api/v0/logs?node_id={node}": ("raylet", "worker_out", "dashboard"),
    # A state dump of raylet is hundreds of lines without its name: the whole file is read.
    "/api/v0/logs/file?node_id={node}&filename=raylet.out&lines=-1": ("raylet",),
    "/api/data/datasets/{job}": ("Map(read_embed_index)", "FINISHED"),
    "/events": ("events",),
    "/api/v0/platform_events": ("events",),
    "/api/v0/cluster_metadata": ("rayVersion",),
    "/api/v0/runtime_env_redaction": ("",),
    "/api/profiling_enabled": ("",),
    "/api/authentication_mode": ("token",),
    "/timezone": ("offset",),
}


@pytest.fixture(scope="module")
def dashboard(service: RunningService, small_papers: list[Path]) -> Iterator[httpx.Client]:
    """A client of the dashboard of a service that has processed a folder."""
    with Client(service.url) as library:
        accepted = library.upload_many(small_papers[:PAPERS], "dashboard")
        assert library.wait(accepted.job_id, 120).counts.completed == PAPERS
    url = service.service_info["dashboard_url"]
    with httpx.Client(base_url=url, headers=service.ray_headers, timeout=60) as client:
        wait_until(lambda: "Node status" in status_of(client), REPORT_SECONDS)
        yield client


def status_of(dashboard: httpx.Client) -> str:
    return dashboard.get("/api/cluster_status?format=1").json()["data"]["clusterStatus"] or ""


@pytest.fixture(scope="module")
def ids(dashboard: httpx.Client) -> dict[str, str]:
    """The id of the only node and of the job that owns the actors of the service."""
    [node] = dashboard.get("/nodes?view=summary").json()["data"]["summary"]
    actors = dashboard.get("/logical/actors").json()["data"]["actors"].values()
    [job] = {actor["jobId"] for actor in actors if "JobManager" in actor["actorClass"]}
    return {"node": node["raylet"]["nodeId"], "job": job}


@pytest.mark.parametrize("path", REQUESTS)
def test_dashboard_answers_request_of_page(
    dashboard: httpx.Client, ids: dict[str, str], path: str
) -> None:
    def missing_words() -> list[str]:
        response = dashboard.get(path.format(**ids))
        assert response.status_code == 200, response.text
        return [word for word in REQUESTS[path] if word not in response.text]

    assert eventually(missing_words, lambda missing: not missing) == []


def eventually(read: Callable[[], Value], is_expected: Callable[[Value], bool]) -> Value:
    """Returns the value once it is as expected, or the last value after REPORT_SECONDS."""
    deadline = time.monotonic() + REPORT_SECONDS
    while not is_expected(value := read()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return value


@pytest.fixture(scope="module")
def datasets(dashboard: httpx.Client, ids: dict[str, str]) -> list[dict[str, Any]]:
    """The Datasets of the dashboard, once those of the folder are reported as finished."""

    def read() -> list[dict[str, Any]]:
        return dashboard.get(f"/api/data/datasets/{ids['job']}").json()["datasets"]

    return eventually(read, lambda found: rows_of_finished(found) >= PAPERS)


def rows_of_finished(datasets: list[dict[str, Any]]) -> int:
    """Returns the rows of finished Datasets of papers; other tests have killed some Datasets."""
    lanes = tuple(str(lane) for lane in (Lane.INTERACTIVE, Lane.BULK))
    papers = [one for one in datasets if one["dataset"].startswith(lanes)]
    return sum(one["total_rows"] or 0 for one in papers if one["state"] == "FINISHED")


def test_dashboard_names_datasets_after_lanes_and_operators_after_steps(
    datasets: list[dict[str, Any]],
) -> None:
    lanes = "|".join(Lane)
    names = [dataset["dataset"] for dataset in datasets]
    assert all(re.fullmatch(rf"(warm-up-)?({lanes})_\d\d_0", name) for name in names), names
    operators = [one["name"] for dataset in datasets for one in dataset["operators"]]
    described = re.compile(r"Map\(read_embed_index\): \d+ rows, [\d.]+/s")
    assert any(map(described.fullmatch, operators)), operators


def test_dashboard_counts_rows_of_papers(datasets: list[dict[str, Any]]) -> None:
    assert rows_of_finished(datasets) >= PAPERS


def test_dashboard_reports_missing_grafana_and_prometheus(dashboard: httpx.Client) -> None:
    for name in ("grafana", "prometheus"):
        assert "failed" in dashboard.get(f"/api/{name}_health").json()["msg"]


def test_dashboard_responses_have_no_secrets(
    service: RunningService, dashboard: httpx.Client, ids: dict[str, str]
) -> None:
    stores = service.home / "stores"
    files = ("postgres/password", "postgres/superuser_password", "milvus/token")
    secrets = [(stores / file).read_text() for file in files]
    secrets.append((service.home / "ray_token").read_text())
    for path in REQUESTS:
        text = dashboard.get(path.format(**ids)).text
        assert not any(secret in text for secret in secrets), path
