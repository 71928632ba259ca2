"""An embedding actor without a model. In a module of its own: Ray's workers import it by name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from domain.errors import VectorStoreUnavailable
from domain.jobs import Lane
from pipelines.embed import FakeEncoder

DIMENSION = 64
DEADLY_ONCE, DEADLY = "This word is deadly once.", "This word is deadly always."
AWAY = "The store of this page is away."


class Bomb:
    """Ends the process that unpickles it, as a crash in a C library would."""

    def __reduce__(self) -> Any:
        return (os._exit, (1,))


class WordyEmbedder:
    """What the plan calls, with vectors made of words; texts of a test end who asks for them."""

    def __init__(self) -> None:
        self.encoder = FakeEncoder(DIMENSION)
        self.asked: Counter[str] = Counter()
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str], _lane: Lane) -> Any:
        """The vectors, a bomb, or an error."""
        everything = " ".join(texts)
        self.seen += texts
        for words, times in ((DEADLY_ONCE, 1), (DEADLY, 100)):
            if words in everything:
                self.asked[words] += 1
                if self.asked[words] <= times:
                    return Bomb()
        if AWAY in everything:
            raise VectorStoreUnavailable
        return self.encoder.encode(texts)

    def count(self, words: str) -> int:
        """How often texts with these words were asked for."""
        return self.asked[words]

    def texts(self) -> list[str]:
        """Every text since `forget`."""
        return self.seen

    def forget(self) -> None:
        """Begins the list of texts anew."""
        self.seen = []
