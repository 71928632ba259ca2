"""Jobs over HTTP: schemas, lists, long polling."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from domain.jobs import Lane, Progress, Step, StepResult
from domain.papers import Metadata
from tests.unit.serve_app.library import Library, pdf


async def test_job_api_shows_queued_and_completed_job(library: Library) -> None:
    job_id = (await library.upload(pdf())).json()["job_id"]
    queued = (await library.get(f"/jobs/{job_id}")).json()
    assert queued["status"] == "queued"
    assert queued["progress"]["queue_position"] == 1
    assert queued["tasks"][0]["next_attempt_at"].endswith("Z")
    await library.read_papers("one", "two")
    done = (await library.get(f"/jobs/{job_id}")).json()
    assert done["status"] == "completed"
    assert done["counts"] == {
        "total": 1, "queued": 0, "running": 0, "completed": 1, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    assert done["progress"]["fraction"] == 1
    assert done["progress"]["pages_done"] == 2
    [task] = done["tasks"]
    assert task["filename"] == "paper.pdf"
    assert task["chunks_done"] == 2
    assert task["searchable_at"].endswith("Z")
    assert task["next_attempt_at"] is None


async def test_job_progress_shows_pages_step_and_eta(library: Library) -> None:
    job_id = (await library.upload(pdf())).json()["job_id"]
    [task] = await library.claim()
    await library.stores.queue.report(task, Progress(pages_done=5, pages_total=10, chunks_done=9))
    progress = (await library.get(f"/jobs/{job_id}")).json()["progress"]
    assert progress["step"] == "read_text"
    assert (progress["pages_done"], progress["pages_total"]) == (5, 10)
    assert progress["chunks_done"] == 9
    assert progress["pages_read"] == 5
    assert [one["step"] for one in progress["steps"]] == list(Step)
    assert progress["steps"][0] == {
        "step": "read_text", "waiting": 0, "reading": 1, "embedding": 0,
    }  # fmt: skip
    [listed] = (await library.get("/jobs")).json()["items"]
    assert listed["progress"]["steps"] == progress["steps"]
    assert progress["eta_basis"] == "pages"
    assert progress["eta_seconds"] >= 0


async def test_job_eta_is_based_on_documents_while_tasks_are_queued(library: Library) -> None:
    files = [(f"{n}.pdf", pdf(str(n))) for n in range(2)]
    job_id = (await library.upload_many(files)).json()["job_id"]
    [first] = await library.stores.queue.claim(Lane.INTERACTIVE, 1, worker="w", lease_seconds=9)
    assert (await library.get(f"/jobs/{job_id}")).json()["progress"]["eta_basis"] is None
    await library.finish(first, ["text"])
    assert (await library.get(f"/jobs/{job_id}")).json()["progress"]["eta_basis"] == "documents"


async def test_job_api_shows_error_of_failed_task(library: Library) -> None:
    job_id = (await library.upload(pdf())).json()["job_id"]
    await library.fail_papers()
    job = (await library.get(f"/jobs/{job_id}")).json()
    assert job["status"] == "failed"
    assert job["error"] == {
        "code": "no_text",
        "category": "document",
        "message": "No page has text.",
        "retryable": False,
        "page": 2,
    }
    assert job["tasks"][0]["error"] == job["error"]


async def test_long_poll_returns_when_the_job_ends(library: Library) -> None:
    job_id = (await library.upload(pdf())).json()["job_id"]
    waiting = asyncio.create_task(library.get(f"/jobs/{job_id}?wait=30"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await library.read_papers()
    assert (await asyncio.wait_for(waiting, 5)).json()["status"] == "completed"


async def test_long_poll_returns_after_its_timeout(library: Library) -> None:
    job_id = (await library.upload(pdf())).json()["job_id"]
    answer = await library.get(f"/jobs/{job_id}?wait=0.1")
    assert answer.json()["status"] == "queued"


async def test_job_api_returns_404_for_unknown_and_410_for_expired_job(library: Library) -> None:
    assert (await library.get("/jobs/job_nope")).json()["code"] == "not_found"
    job_id = (await library.upload(pdf())).json()["job_id"]
    await library.read_papers()
    later = datetime.now(UTC) + timedelta(days=8)
    library.stores.state.clock = lambda: later
    await library.stores.jobs.purge()
    answer = await library.get(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["code"]) == (410, "expired")


async def test_job_list_paginates_newest_first(library: Library) -> None:
    made = [(await library.upload(pdf(str(n)))).json()["job_id"] for n in range(5)]
    seen, cursor = [], None
    while True:
        page = (await library.get("/jobs", params={"limit": 2} | _cursor(cursor))).json()
        seen += [job["job_id"] for job in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_tasks_of_a_job_are_listed_page_by_page(library: Library) -> None:
    files = [(f"{n}.pdf", pdf(str(n))) for n in range(5)]
    job_id = (await library.upload_many(files)).json()["job_id"]
    seen, cursor, path = list[str](), None, f"/jobs/{job_id}/tasks"
    while True:
        page = (await library.get(path, params={"limit": 2} | _cursor(cursor))).json()
        seen += [task["filename"] for task in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [name for name, _ in files]
    assert (await library.get(f"{path}?cursor=x")).status_code == 422
    assert (await library.get("/jobs/job_0000000000000000/tasks")).status_code == 404


async def test_job_list_filters_by_status_and_collection(library: Library) -> None:
    await library.upload(pdf("a"), collection="a")
    await library.read_papers()
    await library.upload(pdf("b"), collection="b")
    queued = (await library.get("/jobs?status=queued")).json()["items"]
    assert [job["collection"] for job in queued] == ["b"]
    assert "tasks" not in queued[0]
    assert len((await library.get("/jobs?collection=a&status=completed")).json()["items"]) == 1
    assert (await library.get("/jobs?collection=a&status=queued")).json()["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("status=odd", "status"),
    ],
)
async def test_job_list_error_names_invalid_parameter(
    library: Library, query: str, field: str
) -> None:
    answer = await library.get(f"/jobs?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert field in answer.json()["detail"]


async def test_job_api_rejects_invalid_cursor_and_long_wait(library: Library) -> None:
    assert "cursor" in (await library.get("/jobs?cursor=abc")).json()["detail"]
    assert (await library.get("/jobs/job_0000000000000000?wait=61")).status_code == 422


def _cursor(cursor: str | None) -> dict[str, str]:
    return {"cursor": cursor} if cursor else {}


async def test_long_poll_returns_when_papers_are_searchable(library: Library) -> None:
    job_id = (await library.upload(pdf())).json()["job_id"]
    [task] = await library.stores.queue.claim(
        Lane.INTERACTIVE, 1, worker="worker", lease_seconds=60
    )
    waiting = asyncio.create_task(library.get(f"/jobs/{job_id}?wait=30&until=searchable"))
    done = StepResult(Metadata("A title"), pages=1, chunks=3, next_step=Step.LAYOUT)
    await library.stores.queue.finish(task, done)
    job = (await asyncio.wait_for(waiting, 10)).json()
    assert job["status"] == "running"
    assert job["tasks"][0]["searchable_at"] and job["tasks"][0]["step"] == "layout"
    assert (await library.get("/jobs/job_0000000000000000?wait=5")).status_code == 404


async def test_states_of_many_jobs_come_in_one_response(library: Library) -> None:
    ids = [(await library.upload(pdf(str(number)))).json()["job_id"] for number in range(3)]
    await library.read_papers("one")
    wanted = [ids[0], ids[2], "job_" + "0" * 16]
    found = (await library.get("/jobs", params={"job_id": wanted})).json()["items"]
    assert [job["job_id"] for job in found] == [ids[2], ids[0]]
    assert {job["status"] for job in found} == {"completed"}
    for bad in (["job_x"], [ids[0]] * 201):
        assert (await library.get("/jobs", params={"job_id": bad})).status_code == 422
