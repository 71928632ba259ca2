"""Batcher: merged batches, priorities, and a result of its own for every call."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

from actors.batcher import Batcher
from embedding.token_batch import TokenBatch
from tests.timing import wait_until

TIMEOUT_SECONDS = 10.0
POISON = 666  # a token id at which the encoder fails


def batch(*rows: list[int]) -> TokenBatch:
    return TokenBatch.from_rows([np.array(row, dtype=np.int32) for row in rows])


class Encoder:
    """The vector of a text is its first id and its length; a batch waits until `release`."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []  # the first id of each text
        self.release = threading.Event()

    def encode(self, tokens: TokenBatch) -> np.ndarray:
        """Raises ValueError for a batch with the id POISON."""
        self.batches.append([int(row[0]) for row in tokens.rows()])
        assert self.release.wait(TIMEOUT_SECONDS)
        if POISON in tokens.ids:
            raise ValueError("poison")
        return np.array([[row[0], len(row)] for row in tokens.rows()], dtype=np.float32)


@contextmanager
def batcher(encoder: Encoder, **options: float) -> Iterator[Batcher]:
    """A batcher with one worker and batches of at most ten tokens."""
    made = Batcher(encoder.encode, 10, **{"workers": 1, **options})  # pyright: ignore[reportArgumentType]
    yield made
    encoder.release.set()
    made.close()


def rows(future: Future[np.ndarray]) -> list[list[float]]:
    return future.result(TIMEOUT_SECONDS).tolist()


@contextmanager
def busy(encoder: Encoder, **options: float) -> Iterator[Batcher]:
    """A batcher whose worker encodes the text [0] until the encoder is released."""
    with batcher(encoder, **options) as made:
        first = made.encode(batch([0]), urgent=False)
        wait_until(lambda: encoder.batches == [[0]], TIMEOUT_SECONDS, 0.001)
        yield made
        encoder.release.set()
        assert rows(first) == [[0, 1]]


def test_batcher_merges_waiting_calls_within_budget() -> None:
    encoder = Encoder()
    with busy(encoder) as made:
        calls = [made.encode(batch([n, n], [n + 100]), urgent=False) for n in range(1, 5)]
        encoder.release.set()
        assert [rows(call) for call in calls] == [[[n, 2], [n + 100, 1]] for n in range(1, 5)]
    assert encoder.batches == [[0], [1, 101, 2, 102, 3, 103], [4, 104]]


def test_batcher_runs_first_call_without_waiting() -> None:
    encoder = Encoder()
    encoder.release.set()
    with batcher(encoder, wait_seconds=TIMEOUT_SECONDS * 10) as made:
        assert rows(made.encode(batch([1]), urgent=False)) == [[1, 1]]


def test_batcher_second_worker_waits_for_calls_that_fill_batch() -> None:
    encoder = Encoder()
    with busy(encoder, workers=2, wait_seconds=TIMEOUT_SECONDS * 10) as made:
        calls = [made.encode(batch([n] * 5), urgent=False) for n in (1, 2)]
        wait_until(lambda: len(encoder.batches) == 2, TIMEOUT_SECONDS, 0.001)
        assert encoder.batches[1] == [1, 2]
        encoder.release.set()
        assert [rows(call) for call in calls] == [[[1, 5]], [[2, 5]]]


def test_batcher_runs_incomplete_batch_after_wait() -> None:
    encoder = Encoder()
    with busy(encoder, workers=2, wait_seconds=0.001) as made:
        made.encode(batch([1]), urgent=False)
        wait_until(lambda: encoder.batches == [[0], [1]], TIMEOUT_SECONDS, 0.001)


def test_batcher_urgent_call_never_waits_and_goes_first() -> None:
    encoder = Encoder()
    with busy(encoder, workers=2, wait_seconds=TIMEOUT_SECONDS * 10) as made:
        made.encode(batch([1]), urgent=False)
        made.encode(batch([2]), urgent=True)
        wait_until(lambda: encoder.batches == [[0], [2]], TIMEOUT_SECONDS, 0.001)


def test_batcher_urgent_flood_does_not_starve_other_calls() -> None:
    encoder = Encoder()
    with busy(encoder, urgent_weight=4) as made:
        for number in range(20):
            made.encode(batch([number + 100] * 10), urgent=True)
        others = [made.encode(batch([n] * 10), urgent=False) for n in (1, 2)]
        encoder.release.set()
        for call in others:
            rows(call)
    order = [first for [first] in encoder.batches]
    assert order.index(1) <= 1 + 4 and order.index(2) <= 1 + 9
    assert order.index(100) < order.index(1), "with equal shares urgent calls are first"


def test_batcher_runs_other_work_alone_and_in_order() -> None:
    encoder = Encoder()
    with busy(encoder) as made:
        before = made.encode(batch([1]), urgent=False)
        work = made.run(lambda: np.array([[len(encoder.batches)]]), urgent=False)
        after = made.encode(batch([2]), urgent=False)
        encoder.release.set()
        assert (rows(before), rows(work), rows(after)) == ([[1, 1]], [[2]], [[2, 1]])
    assert encoder.batches == [[0], [1], [2]]


def test_batcher_runs_call_over_budget_alone() -> None:
    encoder = Encoder()
    with busy(encoder) as made:
        calls = [made.encode(batch([n] * size), urgent=False) for n, size in ((1, 50), (2, 1))]
        encoder.release.set()
        assert [rows(call) for call in calls] == [[[1, 50]], [[2, 1]]]
    assert encoder.batches == [[0], [1], [2]]


def test_batcher_failing_call_fails_alone() -> None:
    encoder = Encoder()
    with busy(encoder) as made:
        calls = [made.encode(batch([n]), urgent=False) for n in (1, POISON, 3)]
        encoder.release.set()
        assert (rows(calls[0]), rows(calls[2])) == ([[1, 1]], [[3, 1]])
        with pytest.raises(ValueError, match="poison"):
            calls[1].result(TIMEOUT_SECONDS)
        assert rows(made.encode(batch([4]), urgent=False)) == [[4, 1]]


def test_batcher_drops_cancelled_call() -> None:
    encoder = Encoder()
    with busy(encoder) as made:
        calls = [made.encode(batch([n]), urgent=False) for n in (1, 2, 3)]
        assert calls[1].cancel()
        encoder.release.set()
        assert (rows(calls[0]), rows(calls[2])) == ([[1, 1]], [[3, 1]])
    assert encoder.batches == [[0], [1, 3]]


def test_batcher_rejects_wrong_number_of_vectors() -> None:
    made = Batcher(lambda tokens: np.ones((len(tokens) - (len(tokens) > 1), 2)), 10, workers=0)
    calls = [made.encode(batch([n]), urgent=False) for n in (1, 2)]
    threading.Thread(target=made._work, daemon=True).start()
    assert [len(rows(call)) for call in calls] == [1, 1]
    made.close()


def test_batcher_completes_submitted_calls_after_close() -> None:
    encoder = Encoder()
    with busy(encoder) as made:
        call = made.encode(batch([1]), urgent=False)
        made.close()
        with pytest.raises(RuntimeError, match="closed"):
            made.encode(batch([2]), urgent=False)
        encoder.release.set()
        assert rows(call) == [[1, 1]]


def test_batcher_returns_own_rows_to_concurrent_callers() -> None:
    encoder = Encoder()
    encoder.release.set()
    choose = random.Random(5)
    loads = [
        [[n, *range(choose.randint(0, 4))] for _ in range(choose.randint(0, 5))]
        for n in range(1, 200)
    ]
    with batcher(encoder, workers=2, wait_seconds=0.0005) as made, ThreadPoolExecutor(16) as pool:

        def call(load: list[list[int]]) -> list[list[float]]:
            return rows(made.encode(batch(*load), urgent=len(load) == 1))

        results = list(pool.map(call, loads))
    assert results == [[[row[0], len(row)] for row in load] for load in loads]
