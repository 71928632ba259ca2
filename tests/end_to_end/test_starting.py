"""Start, stop and restart of services; two services on one machine; rejected starts."""

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
from tests.made_library import fill_home
from tests.paths import BIN, ROOT
from tests.service import READY, RunningService, run_program

MADE_CHUNKS = 3_000


@contextmanager
def running(service: RunningService) -> Iterator[RunningService]:
    """Yields the service; kills it at the end of the block."""
    try:
        yield service
    finally:
        service.kill()


def test_second_service_runs_beside_first_and_resumes_after_restart(
    service: RunningService, homes: Path, small_papers: list[Path], tmp_path: Path
) -> None:
    home, user_home = homes / "two", tmp_path / "user"
    user_home.mkdir()

    def start(*options: str) -> RunningService:
        models = service.home / "models"
        return RunningService(home, models=models, options=options, HOME=str(user_home))

    with running(start()) as second, Client(second.url) as library:
        second.wait_for(READY)
        assert second.service_info["url"] == second.url != service.url
        accepted = library.upload(small_papers[0], "second")
        assert library.wait(accepted.job_id, 120).status == "completed"
        with Client(service.url) as first:
            assert "second" not in {one.name for one in first.collections()}
        unfinished = library.upload_many(small_papers, "later").job_id
        temporary = Path((home / "temporary_folder").read_text())
        assert (temporary / "ray" / "session_latest" / "logs").is_dir()
        second.stop(signal.SIGINT)
        assert "Stopped by SIGINT" in second.output()
        assert not temporary.exists()
    assert not (home / "service.json").exists()
    assert httpx.get(f"{service.url}/readyz").status_code == 200

    with running(start("--json")) as again, Client(again.url) as library:
        again.wait_for('{"state": "ready"')
        hit = library.search("marker0", collection="second", mode="sparse").hits[0]
        assert hit.document_id == accepted.document_id
        job = library.wait(unfinished, 240)
        assert job.status == "completed" and job.counts.completed == len(small_papers)
        assert {task.attempt for task in job.tasks} == {1}, (
            "the stop used an attempt",
            second.output(),
        )
        result = run_program("paperworks", "down", "--home", home, "--json")
        down = {"home": str(home), "was_running": True, "pid": again.process.pid}
        assert (result.returncode, json.loads(result.stdout)) == (0, down), result
        again.stop()
        states = [json.loads(line) for line in again.output().splitlines() if line.startswith("{")]
        assert [one["state"] for one in states] == ["ready", "stopped"]
        assert (states[0]["url"], states[0]["pid"]) == (again.url, again.process.pid)
        assert states[1]["reason"] == "SIGTERM"
    assert not list(user_home.rglob("*")), "files were written outside the home of the service"


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_service_stops_during_start(
    service: RunningService, homes: Path, signal_number: signal.Signals
) -> None:
    with running(RunningService(homes / "starting", models=service.home / "models")) as starting:
        starting.wait_for("Starting: serve")
        time.sleep(1)
        starting.stop(signal_number)
        assert f"Stopped by {signal_number.name}" in starting.output()
        assert "Traceback" not in starting.output()


def test_down_ignores_service_info_of_killed_service(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        (tmp_path / "service.json").write_text(json.dumps({"pid": other.pid}))
        result = run_program("paperworks", "down", "--home", tmp_path)
        assert (result.returncode, "No service runs in" in result.stdout) == (0, True), result
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize(
    ("conflict", "message"),
    [("home", "Another service"), ("port", "is taken"), ("host", "requests need no key")],
)
def test_up_rejects_home_port_or_host_in_conflict(
    service: RunningService, tmp_path: Path, conflict: str, message: str
) -> None:
    home = service.home if conflict == "home" else tmp_path
    port = service.port if conflict == "port" else free_port()
    host = "0.0.0.0" if conflict == "host" else "127.0.0.1"
    address = ["--home", home, "--port", str(port), "--host", host]
    done = run_program("paperworks", "up", *address, timeout=150)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr
    assert httpx.get(f"{service.url}/readyz").status_code == 200
    assert service.service_info["url"] == service.url


def test_up_reports_cluster_error_without_traceback(tmp_path: Path) -> None:
    unknown_model = {"PAPERWORKS_MODEL__NAME": "no/such"}
    address = ["--home", tmp_path, "--port", str(free_port())]
    done = run_program("paperworks", "up", *address, environment=unknown_model)
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
        accepted = library.upload(ROOT / "samples" / "durable-leases.pdf", "served")
        assert library.wait(accepted.job_id, 120).status == "completed"
        assert library.search("fencing token", collection="served").hits
        served.stop(signal.SIGINT, grace_seconds=90)  # Ray ends its processes itself


def test_start_answers_with_its_phase_until_a_search_is_answered(
    converted_models: Path, homes: Path
) -> None:
    home = homes / "filled"
    fill_home(home, "made", MADE_CHUNKS)
    filled = RunningService(home, models=converted_models)
    with running(filled), httpx.Client(base_url=filled.url, timeout=60) as http:
        filled.wait_for(f"Listening: {filled.url}")
        states, failures = list[dict[str, str]](), list[str]()
        while True:
            try:
                ready = http.get("/readyz")
            except httpx.TransportError as error:  # only in the moment in which the API takes over
                failures.append(repr(error))
                time.sleep(0.1)
                continue
            if ready.status_code == 200:
                break
            states.append(ready.json()["checks"])
            time.sleep(0.1)
        assert len(failures) <= 1, failures
        query = {"query": "function", "collection": "made", "mode": "hybrid"}
        first = http.post("/api/v1/search", json=query)
        assert first.status_code == 200 and first.json()["hits"]
        assert "starting" in states[0]["ray"]
        seen = {(name, state) for one in states for name, state in one.items()}
        assert any(name == "job_manager" and "warming up" in state for name, state in seen)
        filled.wait_for(READY)
        for words in ("Started: ray after", "Started: serve after", "job_manager: ready after"):
            assert words in filled.output()
        filled.stop()
