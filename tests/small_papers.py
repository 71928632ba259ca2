"""Different small papers, and the chunks that a library must contain for them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from configs.settings import Settings
from domain.documents import Chunk, document_id
from domain.papers import Paper
from embedding.load import resolve_model
from embedding.token_format import TOKENIZER_FILE
from extraction.steps import read_whole
from pipelines.chunking.chunk import split_paper
from pipelines.chunking.tokens import ModelTokenizer
from tests.pdf_builder.papers import Part, make_paper


def write_small_papers(folder: Path, papers: int, seed: int = 0) -> list[Path]:
    """Returns the paths of papers of one or two pages; only `paper-NN.pdf` contains `markerNN`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"paper-{number:02}.pdf" for number in range(papers)]
    for number, path in enumerate(paths):
        path.write_bytes(_small_paper(number, seed))
    return paths


def expected_chunks(paths: Sequence[Path], collection: str) -> dict[str, list[Chunk]]:
    """Returns the chunks of each paper by document id, extracted in this process."""
    settings = Settings().model
    tokenizer = ModelTokenizer(resolve_model(settings.name) / TOKENIZER_FILE)
    chunks = {}
    for path in paths:
        document = document_id(collection, hashlib.sha256(path.read_bytes()).hexdigest())
        chunks[document], _ = split_paper(
            _read_once(path),
            document_id=document,
            version=1,
            tokenizer=tokenizer,
            max_tokens=settings.max_tokens,
        )
    return chunks


@cache
def _read_once(path: Path) -> Paper:
    return read_whole(path)


def _small_paper(number: int, seed: int) -> bytes:
    rng = random.Random(1000 * seed + number)
    words = ["".join(rng.choices("aeioulmnrst", k=rng.randint(3, 9))) for _ in range(200)]

    def paragraph() -> str:
        sentences = (" ".join(rng.choices(words, k=12)).capitalize() for _ in range(8))
        return ". ".join(sentences) + "."

    parts = [Part(f"{n} Part {n}", [paragraph()]) for n in range(1, rng.randint(4, 9))]
    return make_paper(f"Small Paper {number}", parts, abstract=f"It contains marker{number}.")
