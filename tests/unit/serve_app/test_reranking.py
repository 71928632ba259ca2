"""Searches with a reranker: its order, its failures, pages, named papers, requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from configs.settings import Settings
from domain.errors import ServiceNotReady
from serve_app.cli.checkup import examine
from serve_app.cli.main import app
from serve_app.library.reranking import Reranking
from serve_app.library.search_cursor import SearchCursor
from tests.unit.serve_app.library import Library, pdf
from tests.unit.serve_app.test_search_features import add

CANDIDATES = 12


class ByNumber:
    """A reranker that prefers passages with large numbers; passages without one come last."""

    def __init__(self) -> None:
        self.fails = False
        self.calls = list[tuple[str, Sequence[str]]]()

    async def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        self.calls.append((query, passages))
        if self.fails:
            raise ServiceNotReady("The reranker did not answer within 10 s.")
        return [self.score(passage) for passage in passages]

    @staticmethod
    def score(passage: str) -> float:
        numbers = re.findall(r"\d+", passage)
        return float(numbers[-1]) if numbers else -1.0


@pytest.fixture
def reranker(library: Library) -> ByNumber:
    """Makes the library rerank the first CANDIDATES passages."""
    made = ByNumber()
    use(library, made)
    return made


def use(library: Library, made: ByNumber) -> None:
    services = replace(library.services, reranking=Reranking(made.scores, CANDIDATES))
    library.services = library.app.state.services = services


async def found(library: Library, query: str = "laser ions", **options: Any) -> dict[str, Any]:
    answer = await library.search(query, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def texts(result: dict[str, Any]) -> list[str]:
    return [hit["text"] for hit in result["hits"]]


async def whole_list(library: Library, **options: Any) -> list[dict[str, Any]]:
    """Returns the pages of a search."""
    cursor, pages = None, list[dict[str, Any]]()
    while cursor or not pages:
        pages.append(await found(library, cursor=cursor, **options))
        cursor = pages[-1]["next_cursor"]
    return pages


async def test_reranker_orders_the_candidates_and_other_hits_follow(
    library: Library, reranker: ByNumber
) -> None:
    await add(library, *[f"laser ions {n}" for n in range(30)], content="one")
    plain = await found(library, limit=30, rerank=False)
    result = await found(library, limit=30)
    candidates, rest = texts(plain)[:CANDIDATES], texts(plain)[CANDIDATES:]
    assert texts(result) == sorted(candidates, key=reranker.score, reverse=True) + rest
    assert texts(result) != texts(plain)
    [(query, passages)] = reranker.calls
    assert query == "laser ions" and len(passages) == CANDIDATES
    assert (result["reranked"], result["notes"]) == (True, [])
    assert (plain["reranked"], plain["notes"]) == (False, [])


async def test_rerank_score_is_a_raw_score_and_explained(
    library: Library, reranker: ByNumber
) -> None:
    await add(library, *[f"laser ions {n}" for n in range(CANDIDATES + 1)], content="one")
    hits = (await found(library, limit=50, explain=True))["hits"]
    for hit in hits[:CANDIDATES]:
        assert hit["scores"]["rerank"] == reranker.score(hit["text"])
        assert hit["explanation"]["rerank_score"] == hit["scores"]["rerank"]
        assert sum(hit["explanation"]["parts"].values()) == pytest.approx(hit["score"])
    assert "rerank" not in hits[CANDIDATES]["scores"]
    assert hits[CANDIDATES]["explanation"]["rerank_score"] is None


async def test_reranker_reads_what_is_embedded_and_searched(
    library: Library, reranker: ByNumber
) -> None:
    await add(library, "laser ions 1", "laser and more", content="one")
    await found(library, '"laser" ions -gene')
    [(query, passages)] = reranker.calls
    assert query == "laser ions"
    assert all("laser" in passage for passage in passages)


async def test_failure_gives_the_order_without_the_reranker_and_a_note(
    library: Library, reranker: ByNumber
) -> None:
    await add(library, *[f"laser ions {n}" for n in range(10)], content="one")
    plain = await found(library, rerank=False)
    reranker.fails = True
    for rerank in (None, True):
        result = await found(library, rerank=rerank)
        assert texts(result) == texts(plain)
        assert result["reranked"] is False
        assert result["notes"] == [
            "The hits are not reranked: The reranker did not answer within 10 s."
        ]
        assert all("rerank" not in hit["scores"] for hit in result["hits"])


@pytest.mark.parametrize("group_by", [None, "document"])
@pytest.mark.parametrize("limit", [1, 5, 20])
async def test_pages_of_reranked_hits_follow_each_other(
    library: Library, reranker: ByNumber, limit: int, group_by: str | None
) -> None:
    for number in range(9):
        words = [f"laser ions {number + 10 * n}" for n in range(3)]
        await add(library, *words, content=f"p{number}")
    whole = await found(library, limit=50, group_by=group_by)
    pages = await whole_list(library, limit=limit, group_by=group_by)
    flat = [hit["chunk_id"] for page in pages for hit in page["hits"]]
    assert flat == [hit["chunk_id"] for hit in whole["hits"]]
    assert len(flat) == (9 if group_by else 27)
    assert all(page["reranked"] for page in pages)


async def test_pages_after_a_failure_keep_the_plain_order(
    library: Library, reranker: ByNumber
) -> None:
    await add(library, *[f"laser ions {n}" for n in range(20)], content="one")
    reranker.fails = True
    first = await found(library, limit=7)
    reranker.fails = False
    second = await found(library, limit=7, cursor=first["next_cursor"])
    third = await found(library, limit=7, cursor=second["next_cursor"])
    assert second["notes"] == ["The hits are not reranked, like those of the previous page."]
    assert len(set(texts(first) + texts(second) + texts(third))) == 20
    assert third["next_cursor"] is None


async def test_failure_on_a_later_page_states_that_hits_may_repeat(
    library: Library, reranker: ByNumber
) -> None:
    await add(library, *[f"laser ions {n}" for n in range(20)], content="one")
    first = await found(library, limit=7)
    reranker.fails = True
    [note] = (await found(library, limit=7, cursor=first["next_cursor"]))["notes"]
    assert "some may be repeated" in note


async def test_reranker_chooses_the_passage_of_each_document(
    library: Library, reranker: ByNumber
) -> None:
    await add(library, "laser ions 1", "laser ions 70", content="one")
    await add(library, "laser ions 5", "laser ions 30", content="two")
    result = await found(library, group_by="document")
    assert texts(result) == ["laser ions 70", "laser ions 30"]


async def test_named_paper_precedes_reranked_hits(library: Library, reranker: ByNumber) -> None:
    named = await add(library, "of another subject 3", content="named", doi="10.1000/abc.1")
    await add(library, "10.1000 abc 1 is cited here 99", content="cites it")
    first, second = (await found(library, "10.1000/abc.1"))["hits"][:2]
    assert (first["document_id"], first["named_by"]) == (named, "doi")
    assert second["text"].endswith("99") and second["scores"]["rerank"] == 99


async def test_filters_hold_for_reranked_hits(library: Library, reranker: ByNumber) -> None:
    old = await add(library, "laser ions 99", "laser beam 98", content="old", year=1990)
    new = await add(library, "laser ions 1", "laser beam 2", content="new", year=2020)
    filtered = await found(library, "laser", filters={"year_first": 2000})
    assert texts(filtered) == ["laser beam 2", "laser ions 1"]
    assert {hit["document_id"] for hit in filtered["hits"]} == {new}
    assert texts(await found(library, '"laser beam"')) == ["laser beam 98", "laser beam 2"]
    only = await found(library, "laser -beam", filters={"document_ids": [old]})
    assert texts(only) == ["laser ions 99"]
    assert (await found(library, "laser", filters={"author": "nobody"}))["hits"] == []


@pytest.mark.parametrize("mode", ["hybrid", "dense", "sparse"])
async def test_every_mode_is_reranked(library: Library, reranker: ByNumber, mode: str) -> None:
    await add(library, "laser ions 1", "laser ions 9", "laser ions 4", content="one")
    result = await found(library, mode=mode)
    assert texts(result) == ["laser ions 9", "laser ions 4", "laser ions 1"]


async def test_request_for_reranking_without_a_reranker_is_refused(library: Library) -> None:
    await add(library, "laser ions 1", content="one")
    answer = await library.search("laser", rerank=True)
    assert (answer.status_code, answer.json()["code"]) == (422, "reranker_not_configured")
    assert "PAPERWORKS_SEARCH__RERANKER" in answer.json()["detail"]
    for rerank in (False, None):
        assert (await found(library, "laser", rerank=rerank))["reranked"] is False
    assert (await library.search("laser", rerank="sometimes")).status_code == 422


@pytest.mark.parametrize("cursor", ["p", "pp", "5pp", "p5", "-5p", "9999999999p"])
async def test_malformed_cursor_is_refused(library: Library, cursor: str) -> None:
    answer = await library.search("laser", cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("cursor", [SearchCursor(0), SearchCursor(40, plain_order=True)])
def test_cursor_is_decoded_to_itself(cursor: SearchCursor) -> None:
    assert SearchCursor.decoded(cursor.encoded()) == cursor


async def test_search_page_shows_the_note(library: Library, reranker: ByNumber) -> None:
    await add(library, "laser ions 1", content="one")
    reranker.fails = True
    page = await library.http.get("/search", params={"q": "laser"})
    assert "The hits are not reranked: The reranker did not answer within 10 s." in page.text


def test_command_line_passes_the_wish(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERWORKS_URL", url)
    refused = CliRunner().invoke(app, ["search", "laser", "--rerank"])
    assert refused.exit_code == 1 and "has no reranker" in refused.stderr
    assert CliRunner().invoke(app, ["search", "laser", "--no-rerank"]).exit_code == 0


def test_command_line_shows_the_note_and_the_score(
    url: str, reranker: ByNumber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERWORKS_URL", url)
    paper = tmp_path / "a-7.pdf"
    paper.write_bytes(pdf("seven"))
    assert CliRunner().invoke(app, ["upload", str(paper)]).exit_code == 0
    shown = CliRunner().invoke(app, ["search", "passage", "--explain"]).stdout
    assert "· reranked: 7.000 ·" in shown and "not reranked" not in shown
    reranker.fails = True
    assert "The hits are not reranked" in CliRunner().invoke(app, ["search", "passage"]).stdout


def test_doctor_checks_the_configured_reranker(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["BertModel"]}')
    names = {one.name for one in examine(Settings(home=tmp_path), "http://127.0.0.1:9")}
    assert "Reranker" not in names
    settings = Settings.model_validate(
        {"home": str(tmp_path), "search": {"reranker": str(tmp_path)}}
    )
    [finding] = [one for one in examine(settings, "http://127.0.0.1:9") if one.name == "Reranker"]
    assert not finding.ok and "BertModel" in finding.text
