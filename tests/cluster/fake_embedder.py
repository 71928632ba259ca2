"""An embedding actor without a model, in a module that Ray's workers can import."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from domain.errors import VectorStoreUnavailable
from domain.jobs import Lane
from pipelines.embed import FakeEncoder

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
