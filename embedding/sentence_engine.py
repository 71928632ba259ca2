"""The encoder on sentence-transformers: the reference, for every model that it supports."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from embedding.encoder import unit_rows
from embedding.model_files import DOCUMENT_PROMPTS, QUERY_PROMPTS, prompt_of
from embedding.torch_device import DTYPES, default_batch_tokens, device_name, is_gpu

_CPU_BATCH_TEXTS, _GPU_BATCH_TEXTS = 32, 256  # in one forward pass


class SentenceEncoder:
    """An `Encoder` on sentence-transformers. Concurrent calls are serialized by a lock.

    `precision` is fp32, bf16 or fp16; `device` is a torch device name.
    """

    def __init__(self, model_dir: Path, precision: str, device: str, batch_tokens: int = 0) -> None:
        self._model = SentenceTransformer(
            str(model_dir), device=device, model_kwargs={"dtype": DTYPES[precision]}
        )
        self._batch_texts = _GPU_BATCH_TEXTS if is_gpu(device) else _CPU_BATCH_TEXTS
        self.batch_tokens = batch_tokens or default_batch_tokens(device)
        self.engine = f"sentence-transformers {precision} on {device_name(device)}"
        self.dimension = self._model.get_embedding_dimension() or 0
        self.max_tokens = int(self._model.max_seq_length or 512)
        # The tokenizer raises "Already borrowed" if two threads set its truncation.
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: (len(texts), dimension) float32, each of norm 1."""
        return self._vectors(texts, DOCUMENT_PROMPTS)

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of queries, with the model's query prompt; same shape and norm."""
        return self._vectors(texts, QUERY_PROMPTS)

    def _vectors(self, texts: Sequence[str], prompts: Sequence[str]) -> np.ndarray:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        prompt = prompt_of(self._model.prompts, self._model.default_prompt_name, prompts)
        with self._lock, torch.inference_mode():
            rows = self._model.encode(
                list(texts),
                prompt=prompt,
                batch_size=self._batch_texts,
                convert_to_tensor=True,
                show_progress_bar=False,
            )
        return unit_rows(rows.float().cpu().numpy())
