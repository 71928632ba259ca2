"""Identifies the tokenizer of a model, so that token ids are only used with the same tokenizer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

TOKENIZER_FILE = "tokenizer.json"
CPU_BATCH_TOKENS = 4096  # larger batches are not faster on a CPU, and a query waits for them
# 38,500 chunks/s on an H200, and 40,300 with four times as many (docs/decisions/0013-token-ids.md).
GPU_BATCH_TOKENS = 65_536


@dataclass(frozen=True, slots=True)
class TokenFormat:
    """The SHA-256 of a tokenizer.json; ids are in 0..vocabulary - 1, the rows of the embedding."""

    digest: str
    vocabulary: int


@dataclass(frozen=True, slots=True)
class EncoderInput:
    """The input that an encoder prefers.

    `tokens` is None if it accepts texts only. `max_tokens` is the length at which it truncates;
    `batch_tokens` is the size of a batch, padding included, that uses its device fully.
    """

    tokens: TokenFormat | None
    max_tokens: int
    batch_tokens: int


def token_format(model_dir: Path) -> TokenFormat | None:
    """Returns the token format of a model, None if it has no tokenizer.json or vocabulary size."""
    try:
        vocabulary = json.loads((model_dir / "config.json").read_text())["vocab_size"]
        digest = hashlib.sha256((model_dir / TOKENIZER_FILE).read_bytes()).hexdigest()
    except (FileNotFoundError, KeyError):
        return None
    return TokenFormat(digest, int(vocabulary))
