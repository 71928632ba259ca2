"""Finds the files of a reranker, and checks that it scores pairs of texts. Light to import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from embedding.load import find_model

_ADVICE = (
    "Download the model elsewhere and set search.reranker to the path of its folder, or leave "
    "search.reranker empty."
)
_HEADS = ("ForSequenceClassification", "ForCausalLM")  # of plain transformers models


def resolve_reranker(name: str) -> Path:
    """Returns the folder of a cross-encoder: a local folder, or a repository of the hub.

    Raises ValueError with instructions when the model cannot be found, is no cross-encoder, or
    gives other than one score. sentence-transformers would load an embedding model, too, and add
    random weights.
    """
    folder = find_model(name, "reranker", _ADVICE)
    if problem := _problem(folder):
        raise ValueError(
            f"The model in {folder} is no reranker: {problem}. Set search.reranker to a "
            "sentence-transformers CrossEncoder with one score, or leave it empty."
        )
    return folder


def _problem(folder: Path) -> str | None:
    if not (folder / "config.json").is_file():
        return "it has no config.json"
    config = _json(folder / "config.json")
    architecture = (config.get("architectures") or [""])[0]
    kind = _json(folder / "config_sentence_transformers.json").get("model_type")
    if kind != "CrossEncoder" and not architecture.endswith(_HEADS):
        return f"its architecture is {architecture or 'unknown'}"
    labels = len(config.get("id2label") or ("no", "yes"))  # transformers assumes two
    if architecture.endswith(_HEADS[0]) and labels != 1:
        return f"it gives {labels} scores for a pair"
    return None


def _json(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text()) if file.is_file() else {}
