"""The raw work that the service is compared with: the same functions in plain processes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from configs.settings import ModelSettings
from domain.papers import Paper
from embedding.dimension import vector_dimension
from embedding.encoder import TokenEncoder
from embedding.load import load_encoder, resolve_model
from embedding.token_format import TOKENIZER_FILE
from extraction.steps import DEFAULTS, read_text, read_whole
from pipelines.chunking.chunk import split_paper
from pipelines.chunking.tokens import ModelTokenizer
from stores.milvus.vector_store import VectorStore

MODEL = ModelSettings()
STEPS = ("read", "chunk", "embed", "insert")


@dataclass
class Tally:
    """What was done, and the seconds of each step."""

    pages: int = 0
    chunks: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))

    @property
    def total(self) -> float:
        """Seconds of all steps."""
        return sum(self.seconds.values())

    def add(self, other: Tally) -> None:
        """The other's numbers on top of these."""
        self.pages += other.pages
        self.chunks += other.chunks
        for step, seconds in other.seconds.items():
            self.seconds[step] += seconds


class PlainWork:
    """Read, chunk, embed and insert, one after the other, in this process."""

    def __init__(self, milvus: tuple[str, str], models: Path, threads: int) -> None:
        encoder = load_encoder(MODEL.name, engine=MODEL.engine, cache=models, threads=threads)
        assert isinstance(encoder, TokenEncoder)
        self.encoder = encoder
        self.tokenizer = ModelTokenizer(resolve_model(MODEL.name) / TOKENIZER_FILE)
        self.store = open_store(milvus)
        self.store.prepare()

    def ingest(
        self, path: Path, document_id: str, read: Callable[[Path], Paper] = read_whole
    ) -> Tally:
        """What `read` found in the paper, and what each step took; it is searchable afterwards.

        By default all that the service reads, tables and figures too, chunked and embedded once.
        """
        times = [time.perf_counter()]
        paper = read(path)
        times.append(time.perf_counter())
        chunks, tokens = split_paper(
            paper,
            document_id=document_id,
            version=1,
            tokenizer=self.tokenizer,
            max_tokens=MODEL.max_tokens,
        )
        times.append(time.perf_counter())
        vectors = self.encoder.encode_tokens(tokens)
        times.append(time.perf_counter())
        self.store.upsert(chunks, vectors, collection="plain")
        times.append(time.perf_counter())
        took = (after - before for before, after in pairwise(times))
        return Tally(len(paper.pages), len(chunks), dict(zip(STEPS, took, strict=True)))


def read_first(path: Path) -> Paper:
    """The paper as the service has read it when it becomes searchable: its first step."""
    return read_text(path, DEFAULTS).paper


def open_store(milvus: tuple[str, str], name: str = "paperworks_plain") -> VectorStore:
    """A connection to a collection like that of a service, or to that of a service by its `name`,
    on a server with that address and token."""
    return VectorStore(
        *milvus,
        name=name,
        dimension=vector_dimension(resolve_model(MODEL.name)),
        model=MODEL.name,
    )


@dataclass(frozen=True, slots=True)
class Plain:
    """Plain processes, warm and waiting: each has an encoder with one thread."""

    pipes: list[Connection]
    pids: list[int]

    def ingest(self, paths: Sequence[Path], mark: str) -> tuple[float, Tally]:
        """Seconds until all papers were in, and the tally; each process takes its share."""
        began = time.perf_counter()
        for number, pipe in enumerate(self.pipes):
            pipe.send((list(paths[number :: len(self.pipes)]), f"{mark}-{number}"))
        total = Tally()
        for pipe in self.pipes:
            total.add(pipe.recv())
        return time.perf_counter() - began, total


@contextmanager
def plain_processes(
    count: int, milvus: tuple[str, str], models: Path, warm: Path
) -> Iterator[Plain]:
    """The processes, once each has ingested the paper `warm`."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    processes: list[Any] = []
    for number in range(count):
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, milvus, models), daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
        ours.send(([warm], f"warm-{number}"))
    try:
        for pipe in pipes:
            pipe.recv()
        yield Plain(pipes, [process.pid for process in processes])
    finally:
        for pipe, process in zip(pipes, processes, strict=True):
            pipe.close()
            process.join(10)


def _serve(pipe: Connection, milvus: tuple[str, str], models: Path) -> None:
    work = PlainWork(milvus, models, threads=1)
    while True:
        try:
            paths, mark = pipe.recv()
        except EOFError:
            return
        total = Tally()
        for number, path in enumerate(paths):
            total.add(work.ingest(path, f"{mark}-{number}"))
        pipe.send(total)
