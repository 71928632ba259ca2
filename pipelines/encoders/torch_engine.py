"""The encoder on sentence-transformers: the reference on a CPU, and the fast engine on a GPU."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from pipelines.embed import unit_rows

DOCUMENT_PROMPTS = ("document", "passage", "corpus")
QUERY_PROMPTS = ("query",)
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_BATCH_TEXTS = {"cpu": 32, "cuda": 256}


class TorchEncoder:
    """An `Encoder` on sentence-transformers. Concurrent calls are serialized by a lock.

    `precision` is fp32, bf16 or fp16; `device` is a torch device name. Sets torch's number of
    threads, which applies to the whole process.
    """

    def __init__(self, model_dir: Path, precision: str, device: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self._model = SentenceTransformer(
            str(model_dir), device=device, model_kwargs={"dtype": _DTYPES[precision]}
        )
        self._batch_texts = _BATCH_TEXTS.get(torch.device(device).type, 32)
        self.dimension = self._model.get_embedding_dimension() or 0
        self.max_tokens = int(self._model.max_seq_length or 512)
        # The tokenizer raises "Already borrowed" if two threads set its truncation.
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: (len(texts), dimension) float32, each of norm 1."""
        return self._vectors(texts, prompt_of(self._model, *DOCUMENT_PROMPTS))

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of queries, with the model's query prompt; same shape and norm."""
        return self._vectors(texts, prompt_of(self._model, *QUERY_PROMPTS))

    def _vectors(self, texts: Sequence[str], prompt: str) -> np.ndarray:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._lock, torch.inference_mode():
            rows = self._model.encode(
                list(texts),
                prompt=prompt,
                batch_size=self._batch_texts,
                convert_to_tensor=True,
                show_progress_bar=False,
            )
        return unit_rows(rows.float().cpu().numpy())


def prompt_of(model: SentenceTransformer, *names: str) -> str:
    """Returns the first of the model's prompts with one of `names`, else its default one, else "".

    `encode_document` of sentence-transformers 6.2 is not used: it stops at "document", which always
    exists and is mostly empty, so it would ignore a "passage" prompt.
    """
    prompts = (model.prompts.get(name or "") for name in (*names, model.default_prompt_name))
    return next(filter(None, prompts), "")


def has_cuda() -> bool:
    """True when torch finds a usable GPU."""
    return torch.cuda.is_available()


def half_precision(device: str) -> str:
    """Returns the fast precision on `device`: bf16 if native, else fp16 (GPU) or fp32 (CPU)."""
    if torch.device(device).type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "fp32"
