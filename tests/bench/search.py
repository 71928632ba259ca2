"""(d) Hybrid searches through HTTP over many synthetic chunks.

Measures searches of an idle service, in turns with the bare call of the vector store; searches
while a folder is ingested; and the seconds from kill -9 of Milvus Lite to the first answered
search.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from domain.search import SearchQuery
from serve_app.client import Client
from stores.milvus.vector_store import VectorStore
from stores.postgres.library_record import read_milvus_name
from tests.addresses import milvus_process, milvus_server, postgres_url
from tests.bench.ack import open_connection
from tests.bench.plain import open_store
from tests.bench.report import Figure, Findings, Grid, quantile
from tests.bench.stage import settle
from tests.bench.start import started
from tests.fakes.fake_encoder import FakeEncoder
from tests.made_library import fill_home
from tests.pdf_builder.random_papers import python_docs_paragraphs

QUERIES, WARM_QUERIES, QUERY_WORDS = 200, 20, 8
COLLECTION = "bench-search"
JSON = {"Content-Type": "application/json"}
COLUMNS = ("idle p50 ms", "p99 ms", "bare p50 ms", "p99 ms", "busy p50 ms", "p99 ms", "restart s")
RETRY_SECONDS = 0.05
CHANCE, ASKED = random.Random(3), set[str]()


def measure(folder: Path, models: Path, papers: Sequence[Path], sizes: Sequence[int]) -> Findings:
    """A row of the table for each number of chunks; the chunks are added to the previous ones."""
    home, filled, rows = folder / "search", 0, dict[str, Sequence[float]]()
    for size in sizes:
        fill_home(home, COLLECTION, size, first=filled)
        filled = size
        with started(home, models) as (url, pid):
            settle()
            rows[f"{size:,} chunks"] = _measured(url, pid, home, papers, size)
    figures = [
        Figure(f"hybrid p50 through HTTP, {name}", row[0], "ms", row[2], "VectorStore.search")
        for name, row in rows.items()
    ]
    return Findings(figures, grids=[Grid("search", COLUMNS, rows)])


def _measured(url: str, pid: int, home: Path, papers: Sequence[Path], size: int) -> list[float]:
    store = open_store(milvus_server(pid, home), read_milvus_name(postgres_url(pid, home)))
    idle, bare = _idle(url, store)
    busy = _busy(url, papers, f"bench-folder-{size}")
    restart = _restarted(url, pid)
    store.close()
    milliseconds = [
        1000 * quantile(seconds, share) for seconds in (idle, bare, busy) for share in (0.5, 0.99)
    ]
    return [*milliseconds, restart]


def _idle(url: str, store: VectorStore) -> tuple[list[float], list[float]]:
    """Returns the seconds of searches through HTTP and of bare ones, in turns."""
    http, encoder = open_connection(url), FakeEncoder(store.dimension)
    ours, bare = list[float](), list[float]()
    for question in questions(WARM_QUERIES + QUERIES):
        ours.append(search_once(http, question, COLLECTION))
        vector = encoder.encode_queries([question])[0]
        began = time.perf_counter()
        store.search(SearchQuery(question, COLLECTION), vector)
        bare.append(time.perf_counter() - began)
    http.close()
    return ours[WARM_QUERIES:], bare[WARM_QUERIES:]


def _busy(url: str, papers: Sequence[Path], collection: str) -> list[float]:
    """Returns the seconds of searches while a folder is ingested.

    Raises RuntimeError if the folder ends first.
    """
    http = open_connection(url)
    with Client(url) as client:
        job = client.upload_many(papers, collection=collection).job_id
        seconds = [
            search_once(http, question, COLLECTION)
            for question in questions(WARM_QUERIES + QUERIES)
        ]
        if client.job(job).is_final:
            raise RuntimeError("The folder ended before the searches: use more papers (--count).")
        client.wait(job)
    http.close()
    return seconds[WARM_QUERIES:]


def _restarted(url: str, pid: int) -> float:
    """Returns the seconds from kill -9 of Milvus Lite to the first answered search."""
    milvus_process(pid).kill()
    began = time.perf_counter()
    while not _is_answered(url):
        time.sleep(RETRY_SECONDS)
    return time.perf_counter() - began


def _is_answered(url: str) -> bool:
    http = open_connection(url)
    status, _ = _post(http, "function", COLLECTION)
    http.close()
    return status == HTTPStatus.OK


def search_once(connection: HTTPConnection, query: str, collection: str) -> float:
    """Returns the seconds of a search. Raises RuntimeError if it finds nothing."""
    began = time.perf_counter()
    status, body = _post(connection, query, collection)
    seconds = time.perf_counter() - began
    if status != HTTPStatus.OK or not json.loads(body)["hits"]:
        raise RuntimeError(f"A search over a full collection failed: {status} {body[:200]!r}")
    return seconds


def _post(connection: HTTPConnection, query: str, collection: str) -> tuple[int, bytes]:
    body = json.dumps({"query": query, "collection": collection})
    connection.request("POST", "/api/v1/search", body, JSON)
    response = connection.getresponse()
    return response.status, response.read()


def questions(count: int) -> Iterator[str]:
    """Yields queries that were not asked before: a service keeps the vectors of queries."""
    return (new_question() for _ in range(count))


def new_question() -> str:
    """Returns eight words that occur together in the made papers, without quotes."""
    question = _eight_words()
    while question in ASKED:
        question = _eight_words()
    ASKED.add(question)
    return question


def _eight_words() -> str:
    words = CHANCE.choice(python_docs_paragraphs()).replace('"', "").split()
    start = CHANCE.randrange(len(words) - QUERY_WORDS)
    return " ".join(words[start : start + QUERY_WORDS])
