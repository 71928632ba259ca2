"""Scores of passages for a query by a cross-encoder of sentence-transformers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import CrossEncoder

from embedding.torch_device import device_name, has_cuda, is_gpu

_CPU_BATCH_PAIRS, _GPU_BATCH_PAIRS = 32, 128  # in one forward pass


class PairScorer:
    """A cross-encoder in full precision. Concurrent calls are serialized by a lock.

    `device` is "auto", "cpu" or a CUDA device. `threads` applies to the whole process.
    """

    def __init__(self, model_dir: Path, device: str, threads: int) -> None:
        if device == "auto":
            device = "cuda" if has_cuda() else "cpu"
        torch.set_num_threads(threads)
        self._model = CrossEncoder(str(model_dir), device=device, local_files_only=True)
        self._batch_pairs = _GPU_BATCH_PAIRS if is_gpu(device) else _CPU_BATCH_PAIRS
        self.engine = f"sentence-transformers fp32 on {device_name(device)}"
        self._lock = threading.Lock()

    def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        """Returns a score for each passage; larger is better.

        Raises ValueError if the model gives a score that is not a number.
        """
        with self._lock:
            found = self._model.predict(
                [(query, passage) for passage in passages],
                batch_size=self._batch_pairs,
                show_progress_bar=False,
            )
        scores = np.asarray(found, dtype=np.float64)
        if scores.shape != (len(passages),) or not np.isfinite(scores).all():
            raise ValueError("The reranker does not give one number for each passage.")
        return scores.tolist()
