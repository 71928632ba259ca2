"""Start and stop of a service, and a start that fails."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import yaml

from runtime.ports import free_port
from serve_app.client import Client
from serve_app.process.readiness import wait_until_ready
from serve_app.process.temporary import RECORD
from tests.made_library import fill_home
from tests.paths import BIN, ROOT
from tests.service import READY, Receiver, RunningService, run_program
from tests.timing import wait_until

MADE_CHUNKS = 3_000
DATABASE_IS_READY = "database: ready"


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_service_stops_while_ray_starts(
    converted_models: Path, homes: Path, signal_number: signal.Signals
) -> None:
    with RunningService(homes / "starting", models=converted_models) as starting:
        wait_until(lambda: has_ray_session(starting.home))
        starting.stop(signal_number)
        assert f"Stopped by {signal_number.name}" in starting.output()
        assert "Stopping when Ray has started" in starting.output()
        assert "Starting: serve" not in starting.output()


def has_ray_session(home: Path) -> bool:
    """True once Ray has begun to start its node in the temporary folder of the service."""
    record = home / RECORD
    return record.exists() and any(Path(record.read_text()).glob("ray/session_2*"))


@pytest.mark.parametrize(
    ("signal_number", "receiver"),
    [(signal.SIGINT, "process"), (signal.SIGTERM, "thread")],
)
def test_service_stops_during_start(
    converted_models: Path, homes: Path, signal_number: signal.Signals, receiver: Receiver
) -> None:
    with RunningService(homes / "starting", models=converted_models) as starting:
        starting.wait_for("Starting: serve")
        time.sleep(1)
        was_ready = DATABASE_IS_READY in starting.output()  # on a machine that is very slow
        starting.stop(signal_number, receiver=receiver)
        assert f"Stopped by {signal_number.name}" in starting.output()
        assert "Traceback" not in starting.output()
        # The rest of the start is not awaited.
        assert (DATABASE_IS_READY in starting.output()) == was_ready


def test_service_stops_while_it_waits_for_cluster(homes: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    with RunningService(homes / "joining", PAPERWORKS_RAY__ADDRESS=nowhere) as joining:
        joining.wait_for("Waiting for the Ray cluster")
        joining.stop(receiver="thread")
        assert "Stopped by SIGTERM" in joining.output()
        assert "local Ray instance" not in joining.output()


def test_down_ignores_service_info_of_killed_service(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        (tmp_path / "service.json").write_text(json.dumps({"pid": other.pid}))
        result = run_program("paperworks", "down", "--home", tmp_path)
        assert (result.returncode, "No service runs in" in result.stdout) == (0, True), result
        assert other.poll() is None
        other.kill()


def test_up_reports_cluster_error_without_traceback(tmp_path: Path) -> None:
    unknown_model = {"PAPERWORKS_MODEL__NAME": "no/such"}
    address = ["--home", tmp_path, "--port", str(free_port())]
    done = run_program("paperworks", "up", *address, environment=unknown_model)
    assert done.returncode == 1
    assert "did not start: No embedding model 'no/such'" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_run_starts_working_service(converted_models: Path, homes: Path) -> None:
    home, port = homes / "three", free_port()
    deploy = yaml.safe_load((ROOT / "configs" / "local.yaml").read_text())
    deploy["http_options"]["port"] = port
    deploy["applications"][0]["args"]["home"] = str(home)
    file = homes / "local.yaml"
    file.write_text(yaml.safe_dump(deploy))
    served = RunningService(
        home,
        models=converted_models,
        command=[str(BIN / "serve"), "run", str(file)],
        port=port,
    )
    with served, Client(served.url) as library:
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
    with filled, httpx.Client(base_url=filled.url, timeout=60) as http:
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
