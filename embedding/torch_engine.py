"""The encoder on torch and transformers: transformers with mean or cls pooling, fast on a GPU."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer

from embedding.encoder import Encoder, cut_batches, unit_rows
from embedding.model_files import PlainModel, plain_model
from embedding.token_batch import TokenBatch
from embedding.tokenizer import shared_format, tokenize
from embedding.torch_device import DTYPES, default_batch_tokens, device_name, is_gpu

_LENGTH_STEP = 8  # matrix products of half precision are fast for multiples of 8
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}  # the model adds missing type ids: 0
_DEFAULT_MAX_TOKENS = 512


def torch_encoder(
    model_dir: Path, precision: str, device: str, threads: int, batch_tokens: int = 0
) -> Encoder:
    """Returns the fastest encoder on torch that supports the model.

    `precision` is fp32, bf16 or fp16; `device` is a torch device name. Sets torch's number of
    threads, which applies to the whole process.
    """
    torch.set_num_threads(threads)
    plain = plain_model(model_dir)
    tokenizer = AutoTokenizer.from_pretrained(model_dir) if plain else None
    if plain and _is_supported(tokenizer):
        return TorchEncoder(model_dir, plain, tokenizer, precision, device, batch_tokens)
    from embedding.sentence_engine import SentenceEncoder

    return SentenceEncoder(model_dir, precision, device, batch_tokens)


def _is_supported(tokenizer: Any) -> bool:
    """True for a tokenizer of the tokenizers library that pads on the right."""
    return (
        tokenizer.is_fast
        and tokenizer.padding_side == "right"
        and tokenizer.pad_token_id is not None
        and set(tokenizer.model_input_names) <= _INPUTS
    )


@dataclass(frozen=True, slots=True)
class _Queued:
    """The pooled vectors of a batch, complete after `done`; None: complete already."""

    rows: torch.Tensor
    done: torch.cuda.Event | None

    def result(self) -> np.ndarray:
        if self.done is not None:
            self.done.synchronize()
        return self.rows.numpy()


class TorchEncoder:
    """A `TokenEncoder` on a transformer with pooling. Concurrent calls queue their batches.

    On a GPU, a call queues all its batches before it waits for the first result, and another call
    prepares its batches meanwhile.
    """

    def __init__(
        self,
        model_dir: Path,
        plain: PlainModel,
        tokenizer: Any,
        precision: str,
        device: str,
        batch_tokens: int = 0,
    ) -> None:
        self._plain, self._device, self._pad_id = plain, device, tokenizer.pad_token_id
        # transformers selects scaled_dot_product_attention (sdpa) where the model supports it.
        model: Any = AutoModel.from_pretrained(model_dir, dtype=DTYPES[precision])
        self.model = model.to(device).eval()
        self.engine = f"torch {precision} on {device_name(device)}"
        self.dimension = int(model.config.hidden_size)
        self.max_tokens = plain.max_tokens or _limit(tokenizer, model.config)
        self.batch_tokens = batch_tokens or default_batch_tokens(device)
        self._tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._tokenizer.no_padding()
        self.token_format = shared_format(self._tokenizer, model_dir, plain.document_prompt)
        self._tokenizer.enable_truncation(self.max_tokens)
        self._lock = threading.Lock()  # on a CPU, a second pass would compete for the cores

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: (len(texts), dimension) float32, each of norm 1."""
        return self.encode_tokens(self._tokenized(texts, self._plain.document_prompt))

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of queries, with the model's query prompt; same shape and norm.

        A query does not wait for the passes of other calls.
        """
        return self._encode(self._tokenized(texts, self._plain.query_prompt), nullcontext())

    def encode_tokens(self, tokens: TokenBatch) -> np.ndarray:
        """Returns the vectors of passages with these token ids, as `encode` for their texts."""
        return self._encode(tokens, self._lock)

    def _encode(self, tokens: TokenBatch, lock: AbstractContextManager[Any]) -> np.ndarray:
        batches = cut_batches(tokens.counts.tolist(), self.batch_tokens)
        queued = [self._queue(tokens, batch, lock) for batch in batches]
        vectors = np.empty((len(tokens), self.dimension), dtype=np.float32)
        for batch, each in zip(batches, queued, strict=True):
            vectors[batch] = each.result()
        return unit_rows(vectors)

    def tokenize(self, texts: Sequence[str]) -> TokenBatch:
        """Returns the token ids of the texts, truncated at `max_tokens`."""
        return tokenize(self._tokenizer, texts)

    def _tokenized(self, texts: Sequence[str], prompt: str) -> TokenBatch:
        return self.tokenize([prompt + text for text in texts])

    def _queue(
        self, tokens: TokenBatch, texts: list[int], lock: AbstractContextManager[Any]
    ) -> _Queued:
        """Queues a forward pass on the device, and the copy of its result to this machine."""
        width = -(-int(tokens.counts[texts].max()) // _LENGTH_STEP) * _LENGTH_STEP
        padded = tokens.padded(texts, min(width, self.max_tokens), self._pad_id)
        ids, mask = (self._on_device(array) for array in padded)
        with lock, torch.inference_mode():
            hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            return _copied(_pooled(hidden, mask, self._plain.pooling))

    def _on_device(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        if not is_gpu(self._device):
            return tensor
        return tensor.pin_memory().to(self._device, non_blocking=True)


def _limit(tokenizer: Any, config: Any) -> int:
    """The length at which sentence-transformers truncates if the model's files state none."""
    positions = getattr(config, "max_position_embeddings", -1)
    limits = (tokenizer.model_max_length, positions if positions > 0 else _DEFAULT_MAX_TOKENS)
    return int(min(limits))


def _pooled(hidden: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """The vector of each text, (texts, dimension) float32: of the first token, or the mean."""
    if pooling == "cls":
        return hidden[:, 0].float()
    weights = mask.unsqueeze(-1).float()
    return (hidden.float() * weights).sum(1) / weights.sum(1).clamp(min=1)


def _copied(rows: torch.Tensor) -> _Queued:
    """The rows in memory of this machine; from a GPU, the copy is queued behind its work."""
    if rows.device.type == "cpu":
        return _Queued(rows, None)
    copy = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=True)
    copy.copy_(rows, non_blocking=True)
    done = torch.cuda.Event()
    done.record()
    return _Queued(copy, done)
