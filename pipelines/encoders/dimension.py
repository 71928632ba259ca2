"""How long a model's vectors are, read from its files without loading it."""

from __future__ import annotations

import json
from pathlib import Path


def vector_dimension(model_dir: Path) -> int:
    """Length of the vectors of a sentence-transformers model folder.

    A Dense module sets it, else the pooling module, else the transformer's hidden size. Raises
    ValueError when no file says.
    """
    modules = json.loads((model_dir / "modules.json").read_text())
    for module in reversed(modules):
        config = model_dir / module["path"] / "config.json"
        stated = json.loads(config.read_text()) if config.exists() else {}
        for key in ("out_features", "word_embedding_dimension", "hidden_size"):
            if key in stated:
                return int(stated[key])
    raise ValueError(f"No file under {model_dir} says how long the vectors of the model are.")
