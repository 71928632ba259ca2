"""The Ray dashboard: the requests of each of its pages are answered with content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.jobs import Lane
from serve_app.client import Client
from tests.service import RunningService
from tests.timing import wait_until

PAPERS = 6
STATUS_SECONDS = 30  # the autoscaler monitor writes the cluster status every 5 s
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
    "/api/v0/tasks/summarize?filter_keys=job_id&filter_predicates=%3D&filter_values={job}"
    "&summary_by=lineage": ("Map(read_embed_index)",),
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
        wait_until(lambda: "Node status" in status_of(client), STATUS_SECONDS)
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
    response = dashboard.get(path.format(**ids))
    assert response.status_code == 200, response.text
    assert [word for word in REQUESTS[path] if word not in response.text] == []


def datasets_of(dashboard: httpx.Client, job: str) -> list[dict[str, Any]]:
    return dashboard.get(f"/api/data/datasets/{job}").json()["datasets"]


def test_dashboard_names_datasets_after_lanes_and_operators_after_steps(
    dashboard: httpx.Client, ids: dict[str, str]
) -> None:
    datasets = datasets_of(dashboard, ids["job"])
    lanes = "|".join(Lane)
    names = [dataset["dataset"] for dataset in datasets]
    assert all(re.fullmatch(rf"(warm-up-)?({lanes})_\d\d_0", name) for name in names), names
    operators = [one["name"] for dataset in datasets for one in dataset["operators"]]
    described = re.compile(r"Map\(read_embed_index\): \d+ rows, [\d.]+/s")
    assert any(map(described.fullmatch, operators)), operators


def test_dashboard_counts_rows_of_papers(dashboard: httpx.Client, ids: dict[str, str]) -> None:
    datasets = datasets_of(dashboard, ids["job"])
    lanes = tuple(str(lane) for lane in (Lane.INTERACTIVE, Lane.BULK))
    mine = [dataset for dataset in datasets if dataset["dataset"].startswith(lanes)]
    assert sum(dataset["total_rows"] for dataset in mine) >= PAPERS
    assert {dataset["state"] for dataset in mine} == {"FINISHED"}


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
