"""The parts of a sentence-transformers model, read from its files without loading it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCUMENT_PROMPTS = ("document", "passage", "corpus")
QUERY_PROMPTS = ("query",)
_PARTS = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
_PACKAGE = "sentence_transformers."  # of the modules; others are code of the model's author
_POOLINGS = ("mean", "cls")
# Pooling modes in files of sentence-transformers before 6.
_OLD_POOLING_KEYS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_OLD_POOLING_PREFIX = "pooling_mode_"
# Values of sentence_bert_config.json that need nothing but a forward pass of the transformer.
_PLAIN_TRANSFORMER: dict[str, Any] = {
    "do_lower_case": False,
    "transformer_task": "feature-extraction",
    "module_output_name": "token_embeddings",
    "modality_config": {
        "text": {"method": "forward", "method_output_name": "last_hidden_state"},
    },
}


@dataclass(frozen=True, slots=True)
class PlainModel:
    """A transformer with mean or cls pooling; `max_tokens` None: the limit of its tokenizer."""

    pooling: str
    max_tokens: int | None
    document_prompt: str
    query_prompt: str


def plain_model(model_dir: Path) -> PlainModel | None:
    """Returns the parts of the model, None if it has others than transformer, pooling and norm.

    None also for a model with code or options of its own: sentence-transformers must run it.
    """
    modules = _read(model_dir / "modules.json", [])
    kinds = [str(module.get("type", "")) for module in modules]
    names = [kind.rpartition(".")[2] for kind in kinds]
    if names not in _PARTS or not all(kind.startswith(_PACKAGE) for kind in kinds):
        return None
    transformer, pooling = (model_dir / str(module["path"]) for module in modules[:2])
    mode = _pooling(_read(pooling / "config.json", {}))
    options = _read(transformer / "sentence_bert_config.json", {})
    if transformer != model_dir or mode is None or not _is_plain(options, model_dir):
        return None
    stated = _read(model_dir / "config_sentence_transformers.json", {})
    prompts, default = stated.get("prompts") or {}, stated.get("default_prompt_name")
    return PlainModel(
        pooling=mode,
        max_tokens=options.get("max_seq_length"),
        document_prompt=prompt_of(prompts, default, DOCUMENT_PROMPTS),
        query_prompt=prompt_of(prompts, default, QUERY_PROMPTS),
    )


def prompt_of(prompts: Mapping[str, str | None], default: str | None, names: Sequence[str]) -> str:
    """Returns the first non-empty prompt of `names`, else the default prompt, else "".

    `encode_document` of sentence-transformers 6.2 is not used: it stops at "document", which always
    exists and is mostly empty, so it would ignore a "passage" prompt.
    """
    return next(filter(None, (prompts.get(name or "") for name in (*names, default))), "")


def _pooling(config: Mapping[str, Any]) -> str | None:
    """The pooling mode; None if it is not supported or excludes the prompt."""
    old = [key for key in config if key.startswith(_OLD_POOLING_PREFIX) and config[key] is True]
    mode = config.get("pooling_mode") or (_OLD_POOLING_KEYS.get(old[0]) if len(old) == 1 else None)
    return mode if mode in _POOLINGS and config.get("include_prompt", True) else None


def _is_plain(options: Mapping[str, Any], model_dir: Path) -> bool:
    """True for an encoder of the transformers library without options of its own."""
    config = _read(model_dir / "config.json", {})
    special = ("auto_map", "is_encoder_decoder", "is_decoder")
    has_options = any(
        _PLAIN_TRANSFORMER.get(key, value if key == "max_seq_length" else None) != value
        for key, value in options.items()
    )
    is_adapter = (model_dir / "adapter_config.json").exists()
    return not has_options and not is_adapter and not any(config.get(name) for name in special)


def _read(file: Path, missing: Any) -> Any:
    return json.loads(file.read_text()) if file.exists() else missing
