"""Token ids from the tokenizers library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from embedding.token_batch import TokenBatch
from embedding.token_format import TOKENIZER_FILE, TokenFormat, token_format


def tokenize(tokenizer: Tokenizer, texts: Sequence[str]) -> TokenBatch:
    """Returns the token ids of the texts; one call is far cheaper than one call per text."""
    encodings = tokenizer.encode_batch_fast(list(texts)) if texts else []
    return TokenBatch.from_rows([np.array(each.ids, dtype=np.int32) for each in encodings])


def shared_format(
    tokenizer: Tokenizer, model_dir: Path, document_prompt: str
) -> TokenFormat | None:
    """Returns the format of ids that equal those of an encoder with this tokenizer.

    None if the document prompt or another tokenizer.json of the model would give other ids.
    """
    same = is_same_tokenizer(tokenizer, model_dir / TOKENIZER_FILE)
    return token_format(model_dir) if same and not document_prompt else None


def is_same_tokenizer(tokenizer: Tokenizer, file: Path) -> bool:
    """True if the tokenizer gives the ids of that tokenizer.json, apart from truncation, padding.

    Compares the serialized pipelines: vocabulary, normalizer, splitting and special tokens.
    """
    if not file.is_file():
        return False
    both = Tokenizer.from_str(tokenizer.to_str()), Tokenizer.from_file(str(file))
    for each in both:
        each.no_truncation()
        each.no_padding()
    return both[0].to_str() == both[1].to_str()
