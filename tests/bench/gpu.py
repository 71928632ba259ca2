"""Speed of the embedding model on torch: the device alone, token ids, texts, concurrent callers.

    python -m tests.bench.gpu [--model NAME_OR_FOLDER] [--device cuda] [--precision fp16]

It needs the checkout, torch, transformers, tokenizers, numpy and the model; no Ray, no store and no
service. Without a GPU it measures the CPU, with fewer chunks. Every figure is the median of its
rounds, in chunks per second.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pydoc_data.topics import topics
from typing import Any

import torch

from actors.batcher import Batcher
from embedding.encoder import cut_batches
from embedding.load import DEFAULT_MODEL, resolve_model
from embedding.token_batch import TokenBatch
from embedding.torch_device import half_precision, has_cuda, is_gpu
from embedding.torch_engine import TorchEncoder, torch_encoder

CALLERS = {"cuda": 16, "cpu": 2}
PAPER_CHUNKS = 70  # of a paper of ten pages
CHUNK_WORDS = (50, 140)  # of a chunk: on average 170 tokens of the default model
CHUNKS = {"cuda": 2048, "cpu": 140}
CALLER_PAPERS = {"cuda": 8, "cpu": 1}  # of each caller in a round
CALL_SIZES = (70, 256, 1024)


@dataclass(frozen=True, slots=True)
class Work:
    """The encoder, and the chunks as texts and as token ids."""

    encoder: TorchEncoder
    texts: list[str]
    tokens: TokenBatch
    kind: str  # cuda or cpu
    device: str


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--device", default="cuda" if has_cuda() else "cpu")
    parser.add_argument("--precision", help="fp32, bf16 or fp16; default: as the service")
    parser.add_argument("--chunks", type=int, help="default: 2,048 on a GPU, 140 on a CPU")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    precision = given.precision or half_precision(given.device)
    folder = resolve_model(given.model)
    encoder = torch_encoder(folder, precision, given.device, given.threads)
    if not isinstance(encoder, TorchEncoder):
        parser.error(f"{folder} needs sentence-transformers, which this benchmark does not measure")
    work = _work(encoder, given.device, given.chunks)
    where = torch.cuda.get_device_name(given.device) if is_gpu(given.device) else "CPU"
    print(
        f"{where}, {given.threads} threads, {precision}, {given.model}, torch {torch.__version__}"
    )
    print(f"{len(work.texts)} chunks, {work.tokens.counts.mean():.0f} tokens each")
    _measure(work, given.rounds)


def _work(encoder: TorchEncoder, device: str, chunks: int | None) -> Work:
    kind = "cuda" if is_gpu(device) else "cpu"
    texts = _texts(chunks or CHUNKS[kind])
    return Work(encoder, texts, encoder.tokenize(texts), kind, device)


def _texts(count: int) -> list[str]:
    """Technical English from the Python language reference."""
    words = " ".join(topics[name] for name in sorted(topics)).split()
    choose = random.Random(0)
    lengths = [choose.randint(*CHUNK_WORDS) for _ in range(count)]
    starts = [choose.randrange(len(words) - CHUNK_WORDS[1]) for _ in lengths]
    return [" ".join(words[at : at + length]) for at, length in zip(starts, lengths, strict=True)]


def _measure(work: Work, rounds: int) -> None:
    total = len(work.texts)
    _show("forward pass alone", total, rounds, _forward(work))
    for size in (*(size for size in CALL_SIZES if size < total), total):
        cuts = [range(start, min(start + size, total)) for start in range(0, total, size)]
        ids = [work.tokens.select(cut) for cut in cuts]
        texts = [[work.texts[i] for i in cut] for cut in cuts]
        _show(f"ids, calls of {size}", total, rounds, _calls(work.encoder.encode_tokens, ids))
        _show(f"texts, calls of {size}", total, rounds, _calls(work.encoder.encode, texts))
    _show_callers(work, rounds)


def _calls(encode: Callable[[Any], object], calls: Sequence[Any]) -> Callable[[], None]:
    """One call after the other."""

    def run() -> None:
        for call in calls:
            encode(call)

    return run


def _forward(work: Work) -> Callable[[], None]:
    """The transformer on batches that are on the device already, without pooling."""
    encoder, tokens = work.encoder, work.tokens
    inputs = [
        tuple(
            torch.from_numpy(array).to(work.device)
            for array in tokens.padded(batch, int(tokens.counts[batch].max()), 0)
        )
        for batch in cut_batches(tokens.counts.tolist(), encoder.batch_tokens)
    ]

    @torch.inference_mode()
    def run() -> None:
        for ids, mask in inputs:
            encoder.model(input_ids=ids, attention_mask=mask)
        if work.kind == "cuda":
            torch.cuda.synchronize()

    return run


def _show_callers(work: Work, rounds: int) -> None:
    """The batcher of the embedding actor under concurrent callers, one paper per call."""
    papers = CALLER_PAPERS[work.kind]
    paper = work.tokens.select(i % len(work.tokens) for i in range(PAPER_CHUNKS))
    batcher = Batcher(work.encoder.encode_tokens, work.encoder.batch_tokens)

    def caller(_: int) -> None:
        for _ in range(papers):
            batcher.encode(paper, urgent=False).result()

    callers = CALLERS[work.kind]
    with ThreadPoolExecutor(callers) as pool:
        total = callers * papers * PAPER_CHUNKS
        name = f"{callers} callers of {PAPER_CHUNKS}"
        _show(f"ids, {name}", total, rounds, lambda: list(pool.map(caller, range(callers))))
    batcher.close()


def _show(name: str, chunks: int, rounds: int, run: Callable[[], object]) -> None:
    run()  # the first round loads kernels
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    print(f"{name:<26}{chunks / statistics.median(seconds):>12,.0f} chunks/s", flush=True)


if __name__ == "__main__":
    main()
