"""Both clients against the real API, and their patience against a made-up one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from serve_app.client import AsyncClient, Client, PaperworksProblem, ServiceUnreachable
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.paper_fixtures import add_paper

PNG = b"\x89PNG"


def paper(folder: Path, name: str = "paper.pdf", content: bytes | None = None) -> Path:
    path = folder / name
    path.write_bytes(pdf(name) if content is None else content)
    return path


def test_the_whole_way_with_the_sync_client(url: str, tmp_path: Path) -> None:
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
        assert [one.name for one in library.collections()] == ["physics"]
        assert [one.job_id for one in library.jobs(status="completed").items] == [job.job_id]
        copy = library.download(hit.document_id, tmp_path / "copy.pdf")
        assert copy.read_bytes() == pdf("paper.pdf")
        library.delete(hit.document_id)
        with pytest.raises(PaperworksProblem) as gone:
            library.document(hit.document_id)
        assert (gone.value.status, gone.value.code) == (404, "not_found")
        library.delete_collection("physics")
        assert library.collections() == []


async def test_the_whole_way_with_the_async_client(library: Library, tmp_path: Path) -> None:
    transport = httpx.ASGITransport(library.app)
    async with AsyncClient("http://library", transport=transport) as client:
        answer = await client.upload_many([paper(tmp_path, "a.pdf"), paper(tmp_path, "b.pdf")])
        waiting = asyncio.create_task(client.wait(answer.job_id, 20))
        await library.read_papers("words of a passage")
        assert (await waiting).counts.completed == 2
        hits = (await client.search("words", mode="sparse", group_by="document")).hits
        assert len(hits) == 2
        name = hits[0].document_id
        assert (await client.document(name)).status == "ready"
        assert len((await client.chunks(name)).items) == 1
        assert len((await client.documents(limit=1)).items) == 1
        assert [one.documents for one in await client.collections()] == [2]
        assert len((await client.jobs()).items) == 1
        copy = await client.download(name, tmp_path / "copy.pdf")
        assert copy.read_bytes().startswith(b"%PDF")
        await client.delete(name)
        with pytest.raises(PaperworksProblem):
            await client.download(name, tmp_path / "none.pdf")
        assert not (tmp_path / "none.pdf").exists()
        [one] = await client.collections()
        await client.delete_collection(one.name)
        assert (await client.documents()).items == []
        assert await client.collections() == []


def test_what_was_read_with_the_sync_client(url: str, library: Library) -> None:
    name = asyncio.run(add_paper(library))
    with Client(url) as client:
        assert client.text(name).startswith("1 Looms")
        assert client.markdown(name) == client.export(name)
        assert [one.title for one in client.sections(name)] == ["Looms"]
        [table] = client.tables(name)
        assert table.rows[1] == ["=HYPERLINK(1)", "1,204"]
        assert client.table_csv(name, 1).startswith("Loom,Cards\r\n")
        assert client.table_html(name, 1).startswith("<table>")
        assert [one.label for one in client.figures(name)] == ["Fig. 1"]
        assert client.figure_png(name, 1, dpi=40).startswith(PNG)
        chunks = [chunk.chunk_id for chunk in client.chunks(name).items]
        marked = client.page_png(name, 1, highlights=chunks, dpi=40)
        assert marked.startswith(PNG) and marked != client.page_png(name, 1, dpi=40)
        assert [one.year for one in client.references(name)] == [1827, None]
        assert client.cites(name) == client.cited_by(name) == client.similar(name, 3) == []
        assert client.export(name, "bibtex") == client.export_collection("default")
        assert client.documents(needs_review=True).items == []
        with pytest.raises(PaperworksProblem, match="it has 1"):
            client.table_csv(name, 2)
        assert client.reingest(name).document_id == name


async def test_what_was_read_with_the_async_client(library: Library) -> None:
    name = await add_paper(library)
    transport = httpx.ASGITransport(library.app)
    async with AsyncClient("http://library", transport=transport) as client:
        assert (await client.text(name)).startswith("1 Looms")
        assert await client.markdown(name) == await client.export(name)
        assert len(await client.sections(name)) == 1
        assert len(await client.tables(name)) == len(await client.figures(name)) == 1
        assert "1,204" in await client.table_csv(name, 1)
        assert "1,204" in await client.table_html(name, 1)
        assert (await client.figure_png(name, 1, dpi=40)).startswith(PNG)
        assert (await client.page_png(name, 1, dpi=40)).startswith(PNG)
        assert len(await client.references(name)) == 2
        assert await client.cites(name) == await client.cited_by(name) == []
        assert await client.similar(name) == []
        assert await client.export_collection("default") == await client.export(name, "bibtex")
        assert len((await client.documents(needs_review=False)).items) == 1
        assert (await client.reingest(name)).document_id == name


def test_both_clients_offer_the_same() -> None:
    def offered(client: type) -> set[str]:
        return {name.replace("aclose", "close") for name in dir(client) if name[0] != "_"}

    assert offered(Client) == offered(AsyncClient)


async def test_waiting_gives_up_after_its_time(library: Library) -> None:
    transport = httpx.ASGITransport(library.app)
    async with AsyncClient("http://library", transport=transport) as client:
        accepted = await client.upload(pdf(), filename="a.pdf")
        with pytest.raises(TimeoutError, match="still queued"):
            await client.wait(accepted.job_id, 0.1)


def test_a_name_with_quotes_and_newlines_survives(url: str) -> None:
    with Client(url) as library:
        accepted = library.upload(pdf(), filename='a "b"\nc 🎉.pdf')
    assert accepted.filename == 'a "b" c 🎉.pdf'


def test_problems_carry_code_detail_and_status(url: str, tmp_path: Path) -> None:
    with Client(url) as library, pytest.raises(PaperworksProblem) as refused:
        library.upload(paper(tmp_path, "a.txt", b"text"))
    assert (refused.value.status, refused.value.code) == (415, "not_a_pdf")
    assert str(refused.value) == refused.value.detail
    assert refused.value.problem is not None
    assert refused.value.problem.request_id


def test_503_is_waited_out_as_long_as_the_service_asks(pauses: list[float]) -> None:
    answers = [httpx.Response(503, headers={"Retry-After": "3"}), httpx.Response(503), LISTED]
    with Client(transport=in_turn(answers)) as library:
        assert library.jobs().items == []
    assert pauses == [3, 2]


def test_patience_ends(pauses: list[float]) -> None:
    away = {"type": "x", "title": "x", "status": 503, "code": "database_unavailable", "detail": "d"}
    answers = [httpx.Response(503, json=away, headers={"Retry-After": "900"})] * 3
    client = Client(transport=in_turn(answers), retries=2)
    with client as library, pytest.raises(PaperworksProblem) as problem:
        library.jobs()
    assert problem.value.code == "database_unavailable"
    assert pauses == [30, 30]


def test_a_repeated_upload_sends_the_whole_file_and_the_same_key(
    pauses: list[float], tmp_path: Path
) -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["idempotency-key"], request.read().count(b"%PDF")))
        return httpx.Response(503)

    transport = httpx.MockTransport(answer)
    with Client(transport=transport, retries=1) as library, pytest.raises(PaperworksProblem):
        library.upload_many([paper(tmp_path)])
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert seen[0][1] == 1


def test_an_answer_of_something_in_between_is_a_problem_too() -> None:
    client = Client(transport=in_turn([httpx.Response(502, text="Bad Gateway")]))
    with client as library, pytest.raises(PaperworksProblem, match="502: Bad Gateway") as problem:
        library.jobs()
    assert problem.value.code == "http_error"


def test_nobody_there_says_how_to_go_on(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9") as library:
        for ask in (library.collections, lambda: library.download("doc_x", tmp_path / "x.pdf")):
            with pytest.raises(ServiceUnreachable, match="paperworks up") as problem:
                ask()
            assert problem.value.status == 0


EMPTY = {"items": [], "next_cursor": None}
LISTED = httpx.Response(200, json=EMPTY)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have slept."""
    slept: list[float] = []
    monkeypatch.setattr("serve_app.client.client.time.sleep", slept.append)
    return slept


def in_turn(answers: Sequence[httpx.Response | Exception]) -> httpx.MockTransport:
    left = iter(answers)

    def give(_: httpx.Request) -> httpx.Response:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(give)


REFUSED, CUT_OFF = httpx.ConnectError("refused"), httpx.ReadError("cut off")


def test_an_api_that_was_there_and_is_being_replaced_is_waited_for(pauses: list[float]) -> None:
    with Client(transport=in_turn([LISTED, REFUSED, REFUSED, LISTED])) as library:
        assert library.jobs().items == library.jobs().items == []
    assert pauses == [0.5, 1.0]


async def test_the_async_client_waits_for_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve_app.client.calls.FIRST_PAUSE_SECONDS", 0)
    answers = [httpx.Response(200, json=EMPTY), REFUSED, httpx.Response(200, json=EMPTY)]
    async with AsyncClient(transport=in_turn(answers)) as library:
        assert (await library.jobs()).items == (await library.jobs()).items == []


@pytest.mark.parametrize("answers", [[REFUSED], [LISTED, CUT_OFF], [LISTED, *[REFUSED] * 5]])
def test_who_never_was_there_or_may_have_heard_is_not_asked_again(
    pauses: list[float], answers: list[httpx.Response | Exception]
) -> None:
    with Client(transport=in_turn(answers)) as library, pytest.raises(ServiceUnreachable):
        for _ in answers:
            library.jobs()
    assert len(pauses) in (0, 4)
