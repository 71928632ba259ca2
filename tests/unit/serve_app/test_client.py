"""Both clients against the real API, and their retries against a mock transport."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from serve_app.client import AsyncClient, Client, PaperworksProblem, ServiceUnreachable
from tests import generate_sync_client
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.paper_fixtures import add_paper

PNG = b"\x89PNG"


def paper(folder: Path, name: str = "paper.pdf", content: bytes | None = None) -> Path:
    path = folder / name
    path.write_bytes(pdf(name) if content is None else content)
    return path


def test_sync_client_uploads_searches_and_deletes(url: str, tmp_path: Path) -> None:
    seen = []
    with Client(url) as library:
        accepted = library.upload(paper(tmp_path), "physics")
        job = library.wait(accepted.job_id, 20, on_progress=seen.append)
        assert (job.status, job.counts.completed) == ("completed", 1)
        assert seen[-1] == job
        [hit] = library.search("passage", collection="physics", limit=3).hits
        assert hit.document_id == accepted.document_id
        assert library.document(hit.document_id).title == "On paper.pdf"
        assert [d.document_id for d in library.documents().items] == [hit.document_id]
        assert [chunk.text for chunk in library.chunks(hit.document_id).items] == [hit.text]
        assert [collection.name for collection in library.collections()] == ["physics"]
        assert [found.job_id for found in library.jobs(status="completed").items] == [job.job_id]
        copy = library.download(hit.document_id, tmp_path / "copy.pdf")
        assert copy.read_bytes() == pdf("paper.pdf")
        library.delete(hit.document_id)
        with pytest.raises(PaperworksProblem) as problem:
            library.document(hit.document_id)
        assert (problem.value.status, problem.value.code) == (404, "not_found")
        library.delete_collection("physics")
        assert library.collections() == []


async def test_async_client_uploads_searches_and_deletes(library: Library, tmp_path: Path) -> None:
    async with library.async_client() as client:
        accepted = await client.upload_many([paper(tmp_path, "a.pdf"), paper(tmp_path, "b.pdf")])
        waiting = asyncio.create_task(client.wait(accepted.job_id, 20))
        await library.read_papers("words of a passage")
        assert (await waiting).counts.completed == 2
        hits = (await client.search("words", mode="sparse", group_by="document")).hits
        assert len(hits) == 2
        document_id = hits[0].document_id
        assert (await client.document(document_id)).status == "ready"
        assert len((await client.chunks(document_id)).items) == 1
        assert len((await client.documents(limit=1)).items) == 1
        assert [collection.documents for collection in await client.collections()] == [2]
        assert len((await client.jobs()).items) == 1
        copy = await client.download(document_id, tmp_path / "copy.pdf")
        assert copy.read_bytes().startswith(b"%PDF")
        await client.delete(document_id)
        with pytest.raises(PaperworksProblem):
            await client.download(document_id, tmp_path / "none.pdf")
        assert not (tmp_path / "none.pdf").exists()
        [collection] = await client.collections()
        await client.delete_collection(collection.name)
        assert (await client.documents()).items == []
        assert await client.collections() == []


def test_sync_client_returns_paper_contents(url: str, library: Library) -> None:
    document_id = asyncio.run(add_paper(library))
    with Client(url) as client:
        assert client.text(document_id).startswith("1 Looms")
        assert client.markdown(document_id) == client.export(document_id)
        assert [section.title for section in client.sections(document_id)] == ["Looms"]
        [table] = client.tables(document_id)
        assert client.paper(document_id).tables == [table]
        assert table.rows[1] == ["=HYPERLINK(1)", "1,204"]
        assert client.table_csv(document_id, 1).startswith("Loom,Cards\r\n")
        assert client.table_html(document_id, 1).startswith("<table>")
        assert [figure.label for figure in client.figures(document_id)] == ["Fig. 1"]
        assert client.figure_png(document_id, 1, dpi=40).startswith(PNG)
        chunks = [chunk.chunk_id for chunk in client.chunks(document_id).items]
        marked = client.page_png(document_id, 1, highlights=chunks, dpi=40)
        assert marked.startswith(PNG) and marked != client.page_png(document_id, 1, dpi=40)
        assert [reference.year for reference in client.references(document_id)] == [1827, None]
        assert (
            client.cites(document_id)
            == client.cited_by(document_id)
            == client.similar(document_id, 3)
            == []
        )
        assert client.export(document_id, "bibtex") == client.export_collection("default")
        assert client.documents(needs_review=True).items == []
        with pytest.raises(PaperworksProblem, match="it has 1"):
            client.table_csv(document_id, 2)
        assert client.reingest(document_id).document_id == document_id


async def test_async_client_returns_paper_contents(library: Library) -> None:
    document_id = await add_paper(library)
    async with library.async_client() as client:
        assert (await client.text(document_id)).startswith("1 Looms")
        assert await client.markdown(document_id) == await client.export(document_id)
        assert len(await client.sections(document_id)) == 1
        assert len(await client.tables(document_id)) == len(await client.figures(document_id)) == 1
        assert len((await client.paper(document_id)).tables) == 1
        assert "1,204" in await client.table_csv(document_id, 1)
        assert "1,204" in await client.table_html(document_id, 1)
        assert (await client.figure_png(document_id, 1, dpi=40)).startswith(PNG)
        assert (await client.page_png(document_id, 1, dpi=40)).startswith(PNG)
        assert len(await client.references(document_id)) == 2
        assert await client.cites(document_id) == await client.cited_by(document_id) == []
        assert await client.similar(document_id) == []
        assert await client.export_collection("default") == await client.export(
            document_id, "bibtex"
        )
        assert len((await client.documents(needs_review=False)).items) == 1
        assert (await client.reingest(document_id)).document_id == document_id


def test_sync_client_is_generated_from_the_async_client() -> None:
    """Run `python -m tests.generate_sync_client` after every change of the async client."""
    assert generate_sync_client.TARGET.read_text() == generate_sync_client.generate()


def test_sync_and_async_client_have_the_same_methods() -> None:
    def offered(client: type) -> set[str]:
        return {name.replace("aclose", "close") for name in dir(client) if name[0] != "_"}

    assert offered(Client) == offered(AsyncClient)


async def test_client_wait_raises_timeout_error(library: Library) -> None:
    async with library.async_client() as client:
        accepted = await client.upload(pdf(), filename="a.pdf")
        with pytest.raises(TimeoutError, match="still queued"):
            await client.wait(accepted.job_id, 0.1)


def test_client_upload_accepts_filename_with_quotes_and_newlines(url: str) -> None:
    with Client(url) as library:
        accepted = library.upload(pdf(), filename='a "b"\nc 🎉.pdf')
    assert accepted.filename == 'a "b" c 🎉.pdf'


def test_client_problem_has_status_code_and_detail(url: str, tmp_path: Path) -> None:
    with Client(url) as library, pytest.raises(PaperworksProblem) as problem:
        library.upload(paper(tmp_path, "a.txt", b"text"))
    assert (problem.value.status, problem.value.code) == (415, "not_a_pdf")
    assert str(problem.value) == problem.value.detail
    assert problem.value.problem is not None
    assert problem.value.problem.request_id


def test_client_retries_503_after_retry_after(pauses: list[float]) -> None:
    responses = [httpx.Response(503, headers={"Retry-After": "3"}), httpx.Response(503), EMPTY_PAGE]
    with Client(transport=replaying(responses)) as library:
        assert library.jobs().items == []
    assert pauses == [3, 2]


def test_client_raises_problem_after_last_retry(pauses: list[float]) -> None:
    problem_body = {
        "type": "x",
        "title": "x",
        "status": 503,
        "code": "database_unavailable",
        "detail": "d",
    }
    responses = [httpx.Response(503, json=problem_body, headers={"Retry-After": "900"})] * 3
    client = Client(transport=replaying(responses), retries=2)
    with client as library, pytest.raises(PaperworksProblem) as problem:
        library.jobs()
    assert problem.value.code == "database_unavailable"
    assert pauses == [30, 30]


def test_client_retry_resends_whole_file_with_same_idempotency_key(
    pauses: list[float], tmp_path: Path
) -> None:
    received = []

    def respond(request: httpx.Request) -> httpx.Response:
        received.append((request.headers["idempotency-key"], request.read().count(b"%PDF")))
        return httpx.Response(503)

    transport = httpx.MockTransport(respond)
    with Client(transport=transport, retries=1) as library, pytest.raises(PaperworksProblem):
        library.upload_many([paper(tmp_path)])
    assert len(received) == 2
    assert received[0] == received[1]
    assert received[0][1] == 1


def test_client_turns_proxy_error_into_problem() -> None:
    bad_gateway = httpx.Response(502, text="Bad Gateway")
    client = Client(transport=replaying([bad_gateway]), retries=0)
    with client as library, pytest.raises(PaperworksProblem, match="502: Bad Gateway") as problem:
        library.jobs()
    assert problem.value.code == "http_error"


def test_client_unreachable_service_message_names_paperworks_up(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9") as library:
        for call in (library.collections, lambda: library.download("doc_x", tmp_path / "x.pdf")):
            with pytest.raises(ServiceUnreachable, match="paperworks up") as problem:
                call()
            assert problem.value.status == 0


EMPTY = {"items": [], "next_cursor": None}
EMPTY_PAGE = httpx.Response(200, json=EMPTY)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have slept; it does not sleep."""
    slept: list[float] = []
    monkeypatch.setattr("serve_app.client.sync_client.time.sleep", slept.append)
    return slept


def replaying(responses: Sequence[httpx.Response | Exception]) -> httpx.MockTransport:
    """A transport that returns or raises these in order."""
    remaining = iter(responses)

    def respond(_: httpx.Request) -> httpx.Response:
        response = next(remaining)
        if isinstance(response, Exception):
            raise response
        return response

    return httpx.MockTransport(respond)


REFUSED, CUT_OFF = httpx.ConnectError("refused"), httpx.ReadError("cut off")
TIMED_OUT = httpx.ReadTimeout("no response")


def test_client_retries_refused_connection_of_restarting_service(pauses: list[float]) -> None:
    with Client(transport=replaying([EMPTY_PAGE, REFUSED, REFUSED, EMPTY_PAGE])) as library:
        assert library.jobs().items == library.jobs().items == []
    assert pauses == [0.5, 1.0]


async def test_async_client_retries_refused_connection_of_restarting_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("serve_app.client.errors.FIRST_BACKOFF_SECONDS", 0)
    responses = [httpx.Response(200, json=EMPTY), REFUSED, httpx.Response(200, json=EMPTY)]
    async with AsyncClient(transport=replaying(responses)) as library:
        assert (await library.jobs()).items == (await library.jobs()).items == []


@pytest.mark.parametrize(
    "responses", [[REFUSED], [EMPTY_PAGE, TIMED_OUT], [EMPTY_PAGE, *[REFUSED] * 5]]
)
def test_client_does_not_retry_unknown_service_or_slow_response(
    pauses: list[float], responses: list[httpx.Response | Exception]
) -> None:
    with Client(transport=replaying(responses)) as library, pytest.raises(ServiceUnreachable):
        for _ in responses:
            library.jobs()
    assert len(pauses) in (0, 4)


def test_client_repeats_query_of_lost_connection(pauses: list[float]) -> None:
    with Client(transport=replaying([EMPTY_PAGE, CUT_OFF, EMPTY_PAGE])) as library:
        assert library.jobs().items == library.jobs().items == []
    assert pauses == [0.5]


def test_client_repeats_query_after_error_of_the_proxy(pauses: list[float]) -> None:
    """Ray Serve answers 500 without a problem document when the node of a replica dies."""
    lost = httpx.Response(500, text="Internal Server Error")
    with Client(transport=replaying([lost, EMPTY_PAGE])) as library:
        assert library.jobs().items == []
    assert pauses == [2]


def test_client_repeats_first_query_of_lost_connection(pauses: list[float]) -> None:
    """A connection that is cut off has reached the service, which may be restarted now."""
    with Client(transport=replaying([CUT_OFF, REFUSED, EMPTY_PAGE])) as library:
        assert library.jobs().items == []
    assert len(pauses) == 2


def test_client_repeats_upload_of_lost_connection_with_same_key(
    pauses: list[float], tmp_path: Path
) -> None:
    keys = list[str | None]()

    def respond(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers.get("idempotency-key"))
        if len(keys) == 2:  # the process that received the request dies
            raise httpx.RemoteProtocolError("server disconnected without a response")
        return EMPTY_PAGE if len(keys) == 1 else httpx.Response(418)

    with Client(transport=httpx.MockTransport(respond)) as library:
        library.jobs()
        with pytest.raises(PaperworksProblem, match="418"):
            library.upload(paper(tmp_path))
    assert keys[1] == keys[2] is not None and len(keys) == 3


def test_client_does_not_repeat_change_of_lost_connection(pauses: list[float]) -> None:
    with Client(transport=replaying([EMPTY_PAGE, CUT_OFF])) as library:
        library.jobs()
        with pytest.raises(ServiceUnreachable):
            library.reingest("doc_x")
    assert pauses == []
