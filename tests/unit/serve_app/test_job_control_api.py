"""Cancel, retry and failures: HTTP, both clients, and the command line."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from domain.jobs import Lane, Progress, StepResult
from domain.papers import Metadata
from serve_app.cli.main import app
from serve_app.client import Client
from tests.unit.serve_app.library import API, NO_TEXT, Library, pdf


async def folder(library: Library, count: int = 3) -> str:
    files = [(f"{n}.pdf", pdf(str(n))) for n in range(count)]
    return (await library.upload_many(files)).json()["job_id"]


async def test_cancel_ends_job_and_removes_partial_papers_from_search(library: Library) -> None:
    job_id = await folder(library)
    first, second, _ = await library.claim()
    await library.finish(first, ["A complete paper on foxes"])
    library.index(second, ["A paper on foxes of which half was read"])
    await library.stores.queue.report(second, Progress(chunks_done=1, searchable=True))
    assert len((await library.search("foxes")).json()["hits"]) == 2
    answer = await library.http.post(f"{API}/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["cancelled"]) == (202, 2)
    assert answer.json()["status_endpoint"] == f"/jobs/{job_id}"
    job = (await library.get(f"/jobs/{job_id}")).json()
    assert (job["status"], job["cancel_requested"]) == ("partial", True)
    assert (job["counts"]["completed"], job["counts"]["cancelled"]) == (1, 2)
    [hit] = (await library.search("foxes")).json()["hits"]
    assert hit["document_id"] == first.document_id
    assert library.cancelled == [job_id]
    await library.erase()
    assert library.vectors.count(second.document_id, 1) == 0, "chunks stayed behind"
    document = (await library.get(f"/documents/{second.document_id}")).json()
    assert (document["status"], document["searchable_at"]) == ("cancelled", None)


async def test_cancel_with_keep_chunks_keeps_searchable_parts(library: Library) -> None:
    job_id = await folder(library, 1)
    [task] = await library.claim()
    library.index(task, ["A paper on foxes of which half was read"])
    await library.stores.queue.report(task, Progress(chunks_done=1, searchable=True))
    await library.http.post(f"{API}/jobs/{job_id}/cancel?keep_chunks=true")
    assert len((await library.search("foxes")).json()["hits"]) == 1
    document = (await library.get(f"/documents/{task.document_id}")).json()
    assert (document["status"], document["needs_review"]) == ("ready", True)


async def test_cancel_is_idempotent(library: Library) -> None:
    job_id = await folder(library)
    assert (await library.http.post(f"{API}/jobs/{job_id}/cancel")).json()["cancelled"] == 3
    again = await library.http.post(f"{API}/jobs/{job_id}/cancel")
    assert (again.status_code, again.json()["cancelled"]) == (202, 0)
    assert "nothing was changed" in again.json()["message"]


async def test_retry_reopens_the_job_under_the_same_id(library: Library) -> None:
    job_id = await folder(library)
    await library.read_papers(refuse="1.pdf")
    woken = library.wake_calls
    answer = await library.http.post(f"{API}/jobs/{job_id}/retry")
    assert (answer.status_code, answer.json()["retried"]) == (202, 1)
    assert library.wake_calls == woken + len(Lane)
    job = (await library.get(f"/jobs/{job_id}")).json()
    assert (job["status"], job["finished_at"], job["expires_at"]) == ("running", None, None)
    await library.read_papers()
    assert (await library.get(f"/jobs/{job_id}")).json()["status"] == "completed"
    again = await library.http.post(f"{API}/jobs/{job_id}/retry")
    assert (again.json()["retried"], again.json()["message"]) == (
        0,
        "The job has no failed tasks.",
    )


async def test_failures_api_lists_failed_tasks_and_pages(library: Library) -> None:
    job_id = await folder(library)
    failed, unread, done = await library.claim()
    await library.finish(done, ["text"])
    quality = {"pages_failed": [4, 5]}
    result = StepResult(Metadata("A title"), pages=9, chunks=7, quality=quality, artifact_key="a")
    await library.stores.queue.finish(unread, result)
    await library.stores.queue.fail(failed, NO_TEXT)
    page = (await library.get(f"/jobs/{job_id}/failures?limit=1")).json()
    [first] = page["items"]
    assert (first["filename"], first["error"]["code"], first["pages_failed"]) == (
        failed.filename,
        "no_text",
        [],
    )
    rest = (await library.get(f"/jobs/{job_id}/failures?cursor={page['next_cursor']}")).json()
    [second] = rest["items"]
    assert (second["filename"], second["error"], second["pages_failed"]) == (
        unread.filename,
        None,
        [4, 5],
    )


async def unacknowledged(library: Library) -> list[str]:
    listed = (await library.get("/jobs?unacknowledged=true")).json()["items"]
    return [job["job_id"] for job in listed]


async def test_failures_are_listed_until_acknowledged(library: Library) -> None:
    job_id = await folder(library)
    path = f"{API}/jobs/{job_id}/acknowledge"
    early = await library.http.post(path)
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    assert "has not ended" in early.json()["detail"]
    await library.read_papers(refuse="1.pdf")
    assert await unacknowledged(library) == [job_id]
    first, again = await library.http.post(path), await library.http.post(path)
    assert (first.status_code, first.json()["message"]) == (200, "Acknowledged.")
    assert first.json() == again.json()
    assert first.json()["acknowledged_by"].startswith("address ")
    assert await unacknowledged(library) == []
    job = (await library.get(f"/jobs/{job_id}")).json()
    assert job["acknowledged_at"] == first.json()["acknowledged_at"]


async def test_new_failure_after_a_retry_is_not_acknowledged(library: Library) -> None:
    job_id = await folder(library, 1)
    await library.fail_papers()
    await library.http.post(f"{API}/jobs/{job_id}/acknowledge")
    await library.http.post(f"{API}/jobs/{job_id}/retry")
    assert (await library.get(f"/jobs/{job_id}")).json()["acknowledged_at"] is None
    await library.fail_papers()
    assert await unacknowledged(library) == [job_id]


async def test_job_without_failures_has_nothing_to_acknowledge(library: Library) -> None:
    job_id = await folder(library, 1)
    await library.read_papers()
    answer = await library.http.post(f"{API}/jobs/{job_id}/acknowledge")
    assert answer.json()["message"] == "The job has no failed tasks."
    assert (await library.get(f"/jobs/{job_id}")).json()["acknowledged_at"] is None


async def test_all_failures_are_acknowledged_until_a_time(library: Library) -> None:
    old, new = [await folder_of(library, name) for name in ("old", "new")]
    until = (await library.get(f"/jobs/{old}")).json()["finished_at"]
    path = f"{API}/acknowledgements"
    answer = await library.http.post(path, params={"until": until})
    assert answer.json() == {"acknowledged": 1}
    assert await unacknowledged(library) == [new]
    assert (await library.http.post(path, params={"collection": "other"})).json() == {
        "acknowledged": 0
    }
    assert (await library.http.post(path)).json() == {"acknowledged": 1}
    for wrong in ("2026-01-01T00:00:00", "x", "9" * 40):
        refused = await library.http.post(path, params={"until": wrong})
        assert refused.status_code == 422, wrong


async def folder_of(library: Library, name: str) -> str:
    """Returns a job of one paper that has failed."""
    job_id = (await library.upload(pdf(name), f"{name}.pdf")).json()["job_id"]
    await library.fail_papers()
    return job_id


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "cancel"), ("POST", "retry"), ("POST", "acknowledge"), ("GET", "failures")],
)
async def test_job_control_returns_404_for_unknown_job(
    library: Library, method: str, path: str
) -> None:
    answer = await library.http.request(method, f"{API}/jobs/job_unknown/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_job_control_by_sync_client_and_command_line(url: str, library: Library) -> None:
    with Client(url) as client:
        library.worker_paused = True
        job_id = client.upload(pdf("one"), filename="one.pdf").job_id
        result = run("cancel", job_id, "--url", url)
        assert result.exit_code == 0 and f"{job_id}: 1 paper cancelled." in result.stdout
        assert client.job(job_id).status == "cancelled"
        assert "1 cancelled" in run("jobs", job_id, "--url", url).stdout
        library.worker_paused = False
        result = run("retry", job_id, "--url", url)
        assert result.exit_code == 0 and "one.pdf: completed" in result.stdout
        assert client.retry(job_id).retried == 0
        assert client.cancel(job_id, keep_chunks=True).cancelled == 0
        bad = client.upload(pdf("bad"), filename="bad.pdf").job_id
        assert client.wait(bad, 20).status == "failed"
        assert [item.filename for item in client.failures(bad).items] == ["bad.pdf"]
        assert "bad.pdf: failed (no_text)" in run("failures", bad, "--url", url).stdout
        assert "No paper of" in run("failures", job_id, "--url", url).stdout
        assert '"retried": 1' in run("retry", bad, "--json", "--url", url).stdout
        assert client.wait(bad, 20).status == "failed"
        assert run("retry", bad, "--url", url).exit_code == 1
        assert bad in run("jobs", "--unacknowledged", "--url", url).stdout
        assert run("acknowledge", "--url", url).exit_code == 2
        assert f"{bad}: Acknowledged." in run("acknowledge", bad, "--url", url).stdout
        assert "No job has failures" in run("jobs", "--unacknowledged", "--url", url).stdout
        assert "of 0 jobs were" in run("acknowledge", "--all", "--url", url).stdout


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


async def test_job_control_by_async_client(library: Library) -> None:
    async with library.async_client() as client:
        job_id = (await client.upload(pdf(), filename="a.pdf")).job_id
        assert (await client.cancel(job_id)).cancelled == 1
        assert (await client.retry(job_id)).retried == 1
        await library.fail_papers()
        [item] = (await client.failures(job_id, limit=1)).items
        assert (item.filename, item.status) == ("a.pdf", "failed")
        assert [one.job_id for one in (await client.jobs(unacknowledged=True)).items] == [job_id]
        assert (await client.acknowledge(job_id)).acknowledged_at
        assert (await client.acknowledge_all()).acknowledged == 0
