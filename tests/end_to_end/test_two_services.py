"""Two services on one machine, and starts that another service prevents."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
import pytest

from runtime.ports import free_port
from serve_app.client import Client
from tests.service import READY, RunningService, run_program


def test_second_service_runs_beside_first_and_resumes_after_restart(
    service: RunningService,
    converted_models: Path,
    homes: Path,
    small_papers: list[Path],
    tmp_path: Path,
) -> None:
    home, user_home = homes / "two", tmp_path / "user"
    user_home.mkdir()

    def start(*options: str) -> RunningService:
        return RunningService(home, models=converted_models, options=options, HOME=str(user_home))

    with start() as second, Client(second.url) as library:
        second.wait_for(READY)
        assert second.service_info["url"] == second.url != service.url
        accepted = library.upload(small_papers[0], "second")
        assert library.wait(accepted.job_id, 120).status == "completed"
        with Client(service.url) as first:
            assert "second" not in {one.name for one in first.collections()}
        unfinished = library.upload_many(small_papers, "later").job_id
        temporary = Path((home / "temporary_folder").read_text())
        assert (temporary / "ray" / "session_latest" / "logs").is_dir()
        second.stop(signal.SIGINT, receiver="thread")
        assert "Stopped by SIGINT" in second.output()
        assert not temporary.exists()
    assert not (home / "service.json").exists()
    assert httpx.get(f"{service.url}/readyz").status_code == 200

    with start("--json") as again, Client(again.url) as library:
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
