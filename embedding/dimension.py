"""Reads the vector dimension of a model from its files, without loading it."""

from __future__ import annotations

import json
from pathlib import Path


def vector_dimension(model_dir: Path) -> int:
    """Returns the vector dimension of a model in the sentence-transformers format.

    It is that of the last Dense module, else of the pooling module, else the transformer's hidden
    size. Raises ValueError when no file states it.
    """
    modules = json.loads((model_dir / "modules.json").read_text())
    for module in reversed(modules):
        config = model_dir / module["path"] / "config.json"
        stated = json.loads(config.read_text()) if config.exists() else {}
        for key in ("out_features", "word_embedding_dimension", "hidden_size"):
            if key in stated:
                return int(stated[key])
    raise ValueError(
        f"No config.json under {model_dir} states the vector dimension of the model. Use a model "
        "in the sentence-transformers format."
    )
