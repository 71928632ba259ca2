"""Other users of the machine have access to the HTTP API only."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.paths import ROOT
from tests.programs import Driver
from tests.service import RunningService, clean_environment

OTHER_UID = 12345  # a uid without an account
REJECTED = {401, 403}
# Prometheus reads metrics here without a token. Each process returns the same text for every path:
# gauges of the node and of the actors by class, without addresses and content of papers.
METRICS = ("dashboard.py", "ray::DashboardAgent", "monitor.py")
PAGES = {"GET /"}  # the empty page of the dashboard, which then asks for the token
API = ("ray::ServeReplica", "ray::ProxyActor")  # open by design: there are no API keys


@pytest.fixture(scope="module")
def probed(service: RunningService) -> dict[str, Any]:
    """The responses of every port to another user, and the files that this user can read."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    temporary = (service.home / "temporary_folder").read_text()
    request = {
        "uid": OTHER_UID,
        "ports": sorted(listeners(service)),
        "folders": [str(service.home), temporary],
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.other_user"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean_environment(),
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["uid"] == OTHER_UID
    return found


def listeners(service: RunningService) -> dict[int, str]:
    """Returns the command lines by listening port."""
    return {port: command for _, port, command in service.listening_sockets()}


def test_every_port_rejects_other_users(service: RunningService, probed: dict[str, Any]) -> None:
    kinds: dict[str, list[str]] = {}
    for port, command in listeners(service).items():
        if response := probed["ports"].get(str(port)):
            kinds.setdefault(kind_of(command, response), []).append(command)
    assert set(kinds) == {"api", "metrics", "http", "grpc", "postgres"}, kinds
    assert len(kinds["postgres"]) == 1
    for server in ("milvus_lite_process", "gcs/gcs_server", "raylet/raylet"):
        assert any(server in command for command in kinds["grpc"]), (server, kinds["grpc"])
    assert len(kinds["http"]) == 3, "dashboard, its agent, the agent of runtime environments"


def kind_of(command: str, response: dict[str, Any]) -> str:
    """Returns the kind of the port; asserts that it is known and rejects the other user."""
    if calls := response.get("grpc"):
        assert set(calls.values()) == {"UNAUTHENTICATED"}, (command, calls)
        return "grpc"
    if error := response.get("postgres"):
        assert error == "InvalidPasswordError"
        return "postgres"
    http = response.get("http")
    assert http, f"{command} uses an unknown protocol"
    if command.startswith(API):
        assert http["GET /livez"] == 200
        return "api"
    open_paths = {path for path, status in http.items() if status not in REJECTED}
    if open_paths <= PAGES:
        return "http"
    assert any(name in command for name in METRICS), (command, http)
    assert {http[path] for path in http if path.startswith("POST")} == {405}, (command, http)
    return "metrics"


def test_metrics_ports_expose_no_papers_and_no_addresses(
    service: RunningService, probed: dict[str, Any]
) -> None:
    for port, command in listeners(service).items():
        statuses = probed["ports"].get(str(port), {}).get("http", {})
        if any(name in command for name in METRICS) and statuses.get("GET /metrics") == 200:
            text = httpx.get(f"http://127.0.0.1:{port}/api/jobs/").text
            assert text.startswith("# HELP"), "every path returns the metrics"
            assert not re.search(r"postgresql://|passfile|[.]pdf|doc_[0-9a-f]{24}", text)


def test_service_files_are_unreadable_for_other_users(probed: dict[str, Any]) -> None:
    assert probed["readable"] == []


def secrets_of(service: RunningService) -> dict[str, str]:
    stores = service.home / "stores"
    return {
        "database": (stores / "postgres" / "password").read_text(),
        "superuser": (stores / "postgres" / "superuser_password").read_text(),
        "milvus": (stores / "milvus" / "token").read_text(),
        "ray": (service.home / "ray_token").read_text(),
    }


def test_ray_key_value_store_and_actor_responses_have_no_secrets(
    service: RunningService, driver: Driver
) -> None:
    secrets = list(secrets_of(service).values())
    assert all(len(secret) == 64 for secret in secrets)
    result = driver.call("search_key_value_store", texts=secrets)
    assert result["entries"] > 10, result
    assert result["found"] == []
    description = json.dumps(driver.call("describe"))
    assert "passfile=" in description and not any(secret in description for secret in secrets)


def test_ray_key_value_store_search_covers_deployments(
    service: RunningService, driver: Driver
) -> None:
    """Verifies the search of the test above: it finds a text that is known to be stored."""
    found = driver.call("search_key_value_store", texts=[str(service.home)])["found"]
    assert any("serve" in key for key in found), found


def test_command_lines_and_environments_have_no_secrets(service: RunningService) -> None:
    secrets = secrets_of(service)
    leaks = []
    for process in service.processes():
        with suppress(psutil.NoSuchProcess):
            visible = " ".join([*process.cmdline(), *process.environ().values()])
            leaks += [(name, process.name()) for name, one in secrets.items() if one in visible]
    assert leaks == []


def test_dashboard_requires_token(service: RunningService) -> None:
    with httpx.Client(base_url=service.service_info["dashboard_url"]) as browser:
        assert browser.get("/api/jobs/").status_code == 401
        wrong = browser.post("/api/authenticate", headers={"Authorization": "Bearer wrong"})
        assert wrong.status_code == 403
        assert browser.post("/api/authenticate", headers=service.ray_headers).status_code == 200
        assert browser.get("/api/jobs/").status_code == 200  # with the cookie of the response


def test_service_info_and_token_are_private(service: RunningService) -> None:
    assert Path(service.service_info["ray_token_path"]) == service.home / "ray_token"
    modes = {
        name: (service.home / name).stat().st_mode & 0o777 for name in ("service.json", "ray_token")
    }
    assert set(modes.values()) == {0o600}
    assert service.home.stat().st_mode & 0o777 == 0o700
