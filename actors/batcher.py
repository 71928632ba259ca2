"""Merges concurrent calls of the embedding model into batches that use the device fully."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from domain.fair_share import INTERACTIVE_WEIGHT, VirtualTime
from embedding.token_batch import TokenBatch

log = logging.getLogger(__name__)

Work = Callable[[], np.ndarray]
EncodeTokens = Callable[[TokenBatch], np.ndarray]

# One batch is encoded while the next one is prepared.
WORKERS = 2
# Upper limit of the wait for more calls. A batch of a GPU takes 10 ms, and only a batch that is
# behind another one waits, so the wait costs no time.
WAIT_SECONDS = 0.002


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    """Work with a result of its own; `tokens` if it may share a batch with other calls.

    `other_cost`: what work without token ids costs, in tokens.
    """

    work: Work
    tokens: TokenBatch | None = None
    other_cost: int = 0
    vectors: Future[np.ndarray] = field(default_factory=Future)

    @property
    def size(self) -> int:
        """Number of tokens."""
        return 0 if self.tokens is None else len(self.tokens.ids)

    @property
    def cost(self) -> int:
        """Number of tokens that are charged to the share of the call."""
        return self.size or self.other_cost

    def complete(self) -> None:
        """Runs the work alone."""
        try:
            self.vectors.set_result(self.work())
        except Exception as error:
            self.vectors.set_exception(error)


class Batcher:
    """Runs calls of a model in worker threads; concurrent calls with token ids share batches.

    Urgent calls never wait for more calls. While urgent and other calls wait, urgent ones get
    `urgent_weight` times as many tokens (start-time fair queueing), so that neither starves; with
    equal shares, urgent calls run first. A batch has at most `batch_tokens` tokens, unless a single
    call has more. Every call gets the rows of its own texts. If a batch fails, its calls are
    repeated one by one, so that only the failing ones fail.
    """

    def __init__(
        self,
        encode: EncodeTokens,
        batch_tokens: int,
        *,
        urgent_weight: float = INTERACTIVE_WEIGHT,
        workers: int = WORKERS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._encode, self._batch_tokens, self._wait_seconds = encode, batch_tokens, wait_seconds
        self._urgent: deque[_Call] = deque()
        self._ordinary: deque[_Call] = deque()
        self._urgent_weight, self._time = urgent_weight, VirtualTime()
        self._changed = threading.Condition()
        self._running = 0
        self._closed = False
        for number in range(workers):
            threading.Thread(target=self._work, name=f"batcher-{number}", daemon=True).start()

    def encode(self, tokens: TokenBatch, *, urgent: bool) -> Future[np.ndarray]:
        """Returns the future vectors of the token ids: (texts, dimension).

        A call that is cancelled before it runs is dropped. Raises RuntimeError after `close`.
        """
        return self._submit(_Call(lambda: self._encode(tokens), tokens), urgent)

    def run(self, work: Work, *, urgent: bool, cost: int = 0) -> Future[np.ndarray]:
        """Returns the future result of other work of the model, which runs alone; as `encode`.

        `cost`: tokens charged to its share.
        """
        return self._submit(_Call(work, other_cost=cost), urgent)

    def close(self) -> None:
        """Ends the worker threads when the submitted calls are done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _submit(self, call: _Call, urgent: bool) -> Future[np.ndarray]:
        with self._changed:
            if self._closed:
                raise RuntimeError("The batcher is closed.")
            (self._urgent if urgent else self._ordinary).append(call)
            self._changed.notify_all()
        return call.vectors

    def _work(self) -> None:
        while calls := self._take():
            self._run([call for call in calls if call.vectors.set_running_or_notify_cancel()])
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _take(self) -> list[_Call]:
        """The calls of the next batch; none after `close`."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._urgent or self._ordinary or self._closed)
                self._changed.wait_for(self._must_run, self._wait_seconds)
                if calls := self._next_batch():
                    self._running += 1
                    return calls
                if self._closed:
                    return []

    def _must_run(self) -> bool:
        """True if the device is idle, for urgent calls, and for calls that fill a batch."""
        is_full = sum(call.size for call in self._ordinary) >= self._batch_tokens
        runs_alone = bool(self._ordinary) and self._ordinary[0].tokens is None
        return not self._running or bool(self._urgent) or is_full or runs_alone or self._closed

    def _next_batch(self) -> list[_Call]:
        """Removes and returns the calls of the next batch, and charges them to their share."""
        queues = {"urgent": (self._urgent, self._urgent_weight), "other": (self._ordinary, 1.0)}
        waiting = [name for name, (queue, _) in queues.items() if queue]
        if not waiting:
            return []
        name = min(waiting, key=self._time.start)
        queue, weight = queues[name]
        calls = self._popped(queue)
        self._time.charge(name, sum(call.cost for call in calls) / weight)
        return calls

    def _popped(self, queue: deque[_Call]) -> list[_Call]:
        """Removes and returns the first call of the queue, and those that fit into its batch."""
        calls = [queue.popleft()] if queue else []
        left = self._batch_tokens - sum(call.size for call in calls)
        while calls and calls[0].tokens and queue and queue[0].tokens and queue[0].size <= left:
            calls.append(queue.popleft())
            left -= calls[-1].size
        return calls

    def _run(self, calls: Sequence[_Call]) -> None:
        """Completes the calls; repeats them one by one if their batch fails."""
        batches = [call.tokens for call in calls if call.tokens is not None]
        if len(calls) > 1:
            try:
                rows = self._encode(TokenBatch.joined(batches))
                parts = _split(rows, [len(batch) for batch in batches])
            except Exception as error:
                log.warning("A batch of %d calls failed and is repeated: %s", len(calls), error)
            else:
                for call, part in zip(calls, parts, strict=True):
                    call.vectors.set_result(part)
                return
        for call in calls:
            call.complete()


def _split(rows: np.ndarray, texts: Sequence[int]) -> list[np.ndarray]:
    """The rows of each call. Raises ValueError if there are too few or too many."""
    ends = np.cumsum(texts)
    if len(rows) != ends[-1]:
        raise ValueError(f"{ends[-1]} texts went into the encoder, {len(rows)} vectors came out.")
    return np.split(rows, ends[:-1])
