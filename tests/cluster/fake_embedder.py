"""An embedding actor without a model, in a module that Ray's workers can import."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer

from domain.errors import VectorStoreUnavailable
from domain.jobs import Lane
from embedding.token_batch import TokenBatch
from embedding.token_format import EncoderInput
from tests.fakes.fake_encoder import FakeEncoder

DIMENSION = 64
CRASHES_ONCE, CRASHES_ALWAYS = "This text crashes once.", "This text crashes always."
UNAVAILABLE = "For this text the store is unavailable."


class CrashOnUnpickle:
    """Ends the process that unpickles it, like a crash in a C library."""

    def __reduce__(self) -> Any:
        return (os._exit, (1,))


class FakeEmbedder:
    """The methods that the plan calls; vectors depend on words, and some texts cause a fault."""

    def __init__(self) -> None:
        self.encoder = FakeEncoder(DIMENSION)
        self.calls: Counter[str] = Counter()
        self.received: list[str] = []

    def encode(self, texts: Sequence[str], _lane: Lane) -> Any:
        """Returns the vectors, or an object that crashes the caller.

        Raises VectorStoreUnavailable for the text UNAVAILABLE.
        """
        joined = " ".join(texts)
        self.received += texts
        for text, crashes in ((CRASHES_ONCE, 1), (CRASHES_ALWAYS, 100)):
            if text in joined:
                self.calls[text] += 1
                if self.calls[text] <= crashes:
                    return CrashOnUnpickle()
        if UNAVAILABLE in joined:
            raise VectorStoreUnavailable
        return self.encoder.encode(texts)

    def count(self, text: str) -> int:
        """Returns the number of calls with this text."""
        return self.calls[text]

    def texts(self) -> list[str]:
        """Returns every text since the last `clear`."""
        return self.received

    def clear(self) -> None:
        """Forgets the received texts."""
        self.received = []


class TokenEmbedder(FakeEmbedder):
    """Accepts token ids of the format as well; the vectors are those of the decoded text."""

    def __init__(self, accepted: EncoderInput, tokenizer_json: str) -> None:
        super().__init__()
        self.accepted = accepted
        self.tokenizer = Tokenizer.from_file(tokenizer_json)
        self.token_calls = 0

    def encoder_input(self) -> EncoderInput:
        return self.accepted

    def encode_tokens(self, tokens: TokenBatch, lane: Lane) -> Any:
        """Returns the vectors of the decoded texts."""
        self.token_calls += 1
        rows = [row.tolist() for row in tokens.rows()]
        return self.encode(self.tokenizer.decode_batch(rows), lane)

    def calls_with_tokens(self) -> int:
        """Returns the number of calls of `encode_tokens`."""
        return self.token_calls
