"""A crowd of small papers, no two alike, and the chunks that a library must have of them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

from configs.settings import Settings
from domain.documents import Chunk, document_id
from extraction.steps import read_whole
from pipelines.chunking.chunk import split_paper
from pipelines.chunking.tokens import token_counter
from pipelines.encoders.load import resolve_model
from tests.pdf_builder.papers import Part, make_paper


def write_crowd(folder: Path, papers: int, seed: int = 0) -> list[Path]:
    """Paths of so many papers of one or two pages; `paper-NN.pdf` alone says `markerNN`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"paper-{number:02}.pdf" for number in range(papers)]
    for number, path in enumerate(paths):
        path.write_bytes(_crowd_paper(number, seed))
    return paths


def undisturbed_chunks(paths: Sequence[Path], collection: str) -> dict[str, list[Chunk]]:
    """Every chunk of each paper by document id, as read and cut in this process."""
    settings = Settings().model
    count_tokens = token_counter(resolve_model(settings.name) / "tokenizer.json")
    cut = {}
    for path in paths:
        document = document_id(collection, hashlib.sha256(path.read_bytes()).hexdigest())
        cut[document] = list(
            split_paper(
                read_whole(path),
                document_id=document,
                version=1,
                count_tokens=count_tokens,
                max_tokens=settings.max_tokens,
            )
        )
    return cut


def _crowd_paper(number: int, seed: int) -> bytes:
    choose = random.Random(1000 * seed + number)
    words = ["".join(choose.choices("aeioulmnrst", k=choose.randint(3, 9))) for _ in range(200)]

    def paragraph() -> str:
        sentences = (" ".join(choose.choices(words, k=12)).capitalize() for _ in range(8))
        return ". ".join(sentences) + "."

    parts = [Part(f"{n} Part {n}", [paragraph()]) for n in range(1, choose.randint(4, 9))]
    return make_paper(f"Paper {number} of the Crowd", parts, abstract=f"It holds marker{number}.")
