"""Counts tokens with the tokenizer of the embedding model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tokenizers import Tokenizer


def token_counter(tokenizer_json: Path) -> Callable[[Sequence[str]], list[int]]:
    """Returns a function that counts the tokens of texts, special tokens included.

    `tokenizer_json` is a file of the `tokenizers` library; its truncation and padding are disabled.
    One call with many texts is far cheaper than many calls.
    """
    tokenizer: Tokenizer = Tokenizer.from_file(str(tokenizer_json))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in tokenizer.encode_batch_fast(list(texts))]

    return count
