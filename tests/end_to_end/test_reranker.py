"""A service with a reranker: the order of its hits, and searches while the reranker restarts."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serve_app.client import Client
from serve_app.schemas.core import SearchResult
from tests.command_lines import command_of
from tests.pdf_builder.papers import Part, make_paper
from tests.service import RunningService, ready_service
from tests.small_papers import expected_chunks
from tests.small_reranker import WORDS, small_reranker

pytestmark = pytest.mark.models
QUERY, COLLECTION, CANDIDATES = "laser light on trapped ions", "reranked", 8
RESTART_SECONDS = 90.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_reranker(tmp_path_factory.mktemp("reranker"))


@pytest.fixture(scope="module")
def reranking(homes: Path, converted_models: Path, model: Path) -> Iterator[RunningService]:
    """A service that reranks the first CANDIDATES passages."""
    with ready_service(
        homes / "reranking",
        converted_models,
        PAPERWORKS_SEARCH__RERANKER=str(model),
        PAPERWORKS_SEARCH__RERANK_CANDIDATES=str(CANDIDATES),
        PAPERWORKS_SEARCH__RERANKER_THREADS="1",
    ) as running:
        yield running


def write_papers(folder: Path) -> list[Path]:
    """Returns papers whose passages consist of words that the small reranker knows."""
    chosen, paths = random.Random(5), [folder / f"paper-{number}.pdf" for number in range(3)]
    for number, path in enumerate(paths):
        parts = [
            Part(
                f"{n} Part {n}", [f"The {' '.join(chosen.choices(WORDS, k=40))} {number + 10 * n}."]
            )
            for n in range(1, 5)
        ]
        path.write_bytes(make_paper(f"Laser Light {number}", parts, abstract="Of the ion."))
    return paths


def expected_order(model: Path, papers: list[Path], plain: SearchResult) -> list[str]:
    """Returns the ids of the candidates in the order of the model, computed in this process."""
    from sentence_transformers import CrossEncoder

    chunks = [one for some in expected_chunks(papers, COLLECTION).values() for one in some]
    texts = {one.chunk_id: one.indexed_text for one in chunks}
    candidates = [hit.chunk_id for hit in plain.hits[:CANDIDATES]]
    pairs = [(QUERY, texts[name]) for name in candidates]
    scores = CrossEncoder(str(model), device="cpu").predict(pairs).tolist()
    assert len(set(scores)) == len(candidates)
    return [name for _, name in sorted(zip(scores, candidates, strict=True), reverse=True)]


def test_hits_have_the_order_of_the_reranker_before_and_after_its_death(
    reranking: RunningService, model: Path, tmp_path: Path
) -> None:
    papers = write_papers(tmp_path)
    assert state_of(reranking) == "ok"
    assert "Reranking: sentence-transformers fp32 on the CPU" in reranking.output()
    with Client(reranking.url) as library:
        for paper in papers:
            library.wait(library.upload(paper, COLLECTION).job_id, 120)
        plain = search(library, rerank=False)
        expected = expected_order(model, papers, plain)
        result = search(library)
        assert ids(result)[:CANDIDATES] == expected != ids(plain)[:CANDIDATES]
        assert ids(result)[CANDIDATES:] == ids(plain)[CANDIDATES:] != []
        assert (result.reranked, result.notes) == (True, [])

        [killed] = rerankers(reranking)
        os.kill(killed, signal.SIGKILL)
        others, states = until_reranked(reranking, library)
        assert any(state.startswith(("loading", "The reranker is loading")) for state in states)
        assert states[-1] == "ok"
        for other in others:
            assert ids(other) == ids(plain)
            assert [note for note in other.notes if "not reranked" in note]
        assert ids(search(library)) == ids(result)
        assert killed not in rerankers(reranking)


def search(library: Client, rerank: bool | None = None) -> SearchResult:
    return library.search(QUERY, collection=COLLECTION, limit=50, rerank=rerank)


def ids(result: SearchResult) -> list[str]:
    return [hit.chunk_id for hit in result.hits]


def rerankers(service: RunningService) -> list[int]:
    """Returns the process ids of the actors that rerank."""
    processes = service.processes()
    return [one.pid for one in processes if command_of(one).startswith("ray::Reranker")]


def until_reranked(
    service: RunningService, library: Client
) -> tuple[list[SearchResult], list[str]]:
    """Returns the results without a reranker up to the first reranked one, and the states of the
    reranker in /readyz."""
    deadline = time.monotonic() + RESTART_SECONDS
    results, states = list[SearchResult](), list[str]()
    while not (result := search(library)).reranked or not results:
        assert time.monotonic() < deadline, result.notes
        results += [] if result.reranked else [result]
        states.append(state_of(service))
        time.sleep(0.1)
    return results, [*states, state_of(service)]


def state_of(service: RunningService) -> str:
    """Returns the state of the reranker in /readyz."""
    return httpx.get(f"{service.url}/readyz").json()["checks"]["reranker"]
