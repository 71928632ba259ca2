"""Starting, stopping, starting again; two side by side; what is refused, what is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from runtime.ports import free_port
from serve_app.client import Client
from serve_app.process.readiness import wait_until_ready
from tests.service import BIN, READY, ROOT, RunningService, run_program


@contextmanager
def running(service: RunningService) -> Iterator[RunningService]:
    """The service; killed if a test ends early."""
    try:
        yield service
    finally:
        service.kill()


def test_second_service_runs_beside_first_and_resumes_after_restart(
    service: RunningService, homes: Path, crowd: list[Path], tmp_path: Path
) -> None:
    home, nobody = homes / "two", tmp_path / "nobody"
    nobody.mkdir()

    def start() -> RunningService:
        return RunningService(home, models=service.home / "models", HOME=str(nobody))

    with running(start()) as second, Client(second.url) as library:
        second.wait_for(READY)
        assert second.service_info["url"] == second.url != service.url
        sent = library.upload(crowd[0], "second")
        assert library.wait(sent.job_id, 120).status == "completed"
        with Client(service.url) as first:
            assert "second" not in {one.name for one in first.collections()}
        unfinished = library.upload_many(crowd, "later").job_id
        temporary = Path((home / "temporary_folder").read_text())
        assert (temporary / "ray" / "session_latest" / "logs").is_dir()
        second.stop(signal.SIGINT)
        assert "Stopped by SIGINT" in second.said()
        assert not temporary.exists()
    assert not (home / "service.json").exists()
    assert httpx.get(f"{service.url}/readyz").status_code == 200

    with running(start()) as again, Client(again.url) as library:
        again.wait_for(READY)
        hit = library.search("marker0", collection="second", mode="sparse").hits[0]
        assert hit.document_id == sent.document_id
        job = library.wait(unfinished, 240)
        assert job.status == "completed" and job.counts.completed == len(crowd)
        assert {task.attempt for task in job.tasks} == {1}, "the stop was charged"
        said = run_program("paperworks", "down", "--home", home)
        assert (said.returncode, "Stopped; papers" in said.stdout) == (0, True), said
        again.stop()
        assert "Stopped by SIGTERM" in again.said()
    assert not list(nobody.rglob("*")), "something was written outside the home of the service"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_service_stops_during_start(
    service: RunningService, homes: Path, how: signal.Signals
) -> None:
    with running(RunningService(homes / "hasty", models=service.home / "models")) as hasty:
        hasty.wait_for("Starting: serve")
        time.sleep(1)
        hasty.stop(how)
        assert f"Stopped by {how.name}" in hasty.said()
        assert "Traceback" not in hasty.said()


def test_down_ignores_service_info_of_killed_service(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as bystander:
        (tmp_path / "service.json").write_text(json.dumps({"pid": bystander.pid}))
        said = run_program("paperworks", "down", "--home", tmp_path)
        assert (said.returncode, "No service runs in" in said.stdout) == (0, True), said
        assert bystander.poll() is None
        bystander.kill()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [("home", "Another service"), ("port", "is taken"), ("host", "no sign-in")],
)
def test_up_rejects_home_port_or_host_in_conflict(
    service: RunningService, tmp_path: Path, wrong: str, sentence: str
) -> None:
    home = service.home if wrong == "home" else tmp_path
    port = service.port if wrong == "port" else free_port()
    host = "0.0.0.0" if wrong == "host" else "127.0.0.1"
    address = ["--home", home, "--port", str(port), "--host", host]
    done = run_program("paperworks", "up", *address, timeout=150)
    assert done.returncode == 1
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert httpx.get(f"{service.url}/readyz").status_code == 200
    assert service.service_info["url"] == service.url


def test_up_reports_cluster_error_without_traceback(tmp_path: Path) -> None:
    wrong = {"PAPERWORKS_MODEL__NAME": "no/such"}
    address = ["--home", tmp_path, "--port", str(free_port())]
    done = run_program("paperworks", "up", *address, environment=wrong)
    assert done.returncode == 1
    assert "did not start: No embedding model 'no/such'" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_run_starts_working_service(service: RunningService, homes: Path) -> None:
    home, port = homes / "three", free_port()
    deploy = yaml.safe_load((ROOT / "configs" / "local.yaml").read_text())
    deploy["http_options"]["port"] = port
    deploy["applications"][0]["args"]["home"] = str(home)
    file = homes / "local.yaml"
    file.write_text(yaml.safe_dump(deploy))
    served = RunningService(
        home,
        models=service.home / "models",
        command=[str(BIN / "serve"), "run", str(file)],
        port=port,
    )
    with running(served), Client(served.url) as library:
        wait_until_ready(served.url, is_alive=lambda: served.process.poll() is None)
        sent = library.upload(ROOT / "samples" / "durable-leases.pdf", "served")
        assert library.wait(sent.job_id, 120).status == "completed"
        assert library.search("fencing token", collection="served").hits
        served.stop(signal.SIGINT, grace_seconds=10)  # Ray's own end, not ours
