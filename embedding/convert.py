"""Converts a sentence-transformers model to the folder that `OpenVinoEncoder` loads:

    python -m embedding.convert MODEL_DIR ENGINE OUT_DIR

It runs as a separate process, so that torch, transformers and nncf are not loaded elsewhere. Exit
status 3 means that the kind of model is not supported; the last line of the output is the reason.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from embedding.model_files import DOCUMENT_PROMPTS, QUERY_PROMPTS, prompt_of
from embedding.openvino_engine import GRAPH, TOKENIZER, GraphMeta, graph_inputs, ov

UNSUPPORTED = 3  # exit status
_KNOWN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_KNOWN_POOLING = ("mean", "cls", "max")
_CALIBRATION_TEXTS = 100  # passages that set the ranges of the quantized values
_CALIBRATION_WORDS = (12, 60, 120, 180)  # of a passage
_CALIBRATION_MARGIN = 200  # words at the end of the text where no passage starts
_ACTIVATIONS = ("Gelu", "Relu", "Swish", "Tanh", "HSwish", "SoftPlus")


class UnsupportedModel(Exception):
    """The kind of model cannot be converted."""


class _Graph(torch.nn.Module):
    """Maps token ids to pooled vectors; numpy normalizes them later, in full precision."""

    def __init__(self, model: SentenceTransformer, inputs: tuple[str, ...]) -> None:
        super().__init__()
        self._transformer, self._pooling = model[0], model[1]
        self._inputs = inputs

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        features: dict[str, Any] = dict(zip(self._inputs, tensors, strict=True))
        return self._pooling(self._transformer(features))["sentence_embedding"]


def convert(model_dir: Path, engine: str, folder: Path) -> None:
    """Writes graph, tokenizer and metadata of the model in `model_dir` to `folder` for `engine`.

    Raises UnsupportedModel when the graph cannot represent its modules, pooling or tokenizer.
    """
    model = SentenceTransformer(str(model_dir), device="cpu", local_files_only=True)
    precision = engine.removeprefix("openvino-")
    meta = _meta(model, precision)
    tokenizer = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
    graph = _trace(model, meta)
    if precision == "int8":
        graph = _quantize(graph, meta, tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    ov.save_model(graph, folder / GRAPH, compress_to_fp16=False)
    tokenizer.save(str(folder / TOKENIZER))
    meta.save(folder)


def _meta(model: SentenceTransformer, precision: str) -> GraphMeta:
    """The metadata that the encoder needs. Raises UnsupportedModel."""
    kinds = [type(module).__name__ for module in model]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        raise UnsupportedModel(f"its modules are {', '.join(kinds)}")
    pooling: Any = model[1]
    if pooling.pooling_mode not in _KNOWN_POOLING or not pooling.include_prompt:
        raise UnsupportedModel(
            f"its pooling is {pooling.pooling_mode}, prompt {pooling.include_prompt}"
        )
    if not getattr(model.tokenizer, "is_fast", False):
        raise UnsupportedModel("its tokenizer has no tokenizer.json")
    inputs = tuple(model.tokenizer("a").keys())
    if not {"input_ids", "attention_mask"} <= set(inputs) <= set(_KNOWN_INPUTS):
        raise UnsupportedModel(f"its inputs are {', '.join(inputs)}")
    return GraphMeta(
        dimension=model.get_embedding_dimension() or 0,
        max_tokens=model.max_seq_length or 512,
        pad_id=model.tokenizer.pad_token_id or 0,
        inputs=tuple(name for name in _KNOWN_INPUTS if name in inputs),
        precision=precision,
        document_prompt=prompt_of(model.prompts, model.default_prompt_name, DOCUMENT_PROMPTS),
        query_prompt=prompt_of(model.prompts, model.default_prompt_name, QUERY_PROMPTS),
    )


def _trace(model: SentenceTransformer, meta: GraphMeta) -> ov.Model:
    """The graph with dynamic batch size and length, and with its inputs named as in `meta`."""
    example = model.tokenizer(["one two three", "four"], padding=True, return_tensors="pt")
    with torch.no_grad():
        graph = ov.convert_model(
            _Graph(model, meta.inputs).eval(),
            example_input=tuple(example[name] for name in meta.inputs),
        )
    for port, name in zip(graph.inputs, meta.inputs, strict=True):
        port.get_tensor().set_names({name})
        port.get_node().set_friendly_name(name)
    graph.reshape({name: ov.PartialShape([-1, -1]) for name in meta.inputs})
    return graph


def _quantize(graph: ov.Model, meta: GraphMeta, tokenizer: Tokenizer) -> ov.Model:
    """The graph with 8-bit matrix products; the ranges come from the calibration texts."""
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    tokenizer.no_padding()
    tokenizer.enable_truncation(meta.max_tokens)

    def inputs(text: str) -> dict[str, np.ndarray]:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        return graph_inputs(meta, ids, np.ones_like(ids))

    import nncf  # after runtime.patches.openvino, which disables its telemetry

    texts = list(calibration_texts())
    return nncf.quantize(
        graph,
        nncf.Dataset(texts, inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(texts),
        ignored_scope=nncf.IgnoredScope(names=_after_activation(graph)),
    )


def _after_activation(graph: ov.Model) -> list[str]:
    """The names of the matrix products behind an activation, which are not quantized.

    Their inputs have rare large values that do not fit one scale. They alone caused the measured
    loss of nDCG (docs/decisions/0003-embedding-engine.md).
    """
    return [
        node.get_friendly_name()
        for node in graph.get_ops()
        if node.get_type_name() == "MatMul"
        and node.input_value(0).get_node().get_type_name() in _ACTIVATIONS
    ]


def calibration_texts() -> Iterator[str]:
    """Yields passages of the Python language reference: technical English without a download."""
    from pydoc_data.topics import topics

    words = " ".join(topics[name] for name in sorted(topics)).split()
    choose = random.Random(0)
    for _ in range(_CALIBRATION_TEXTS):
        start = choose.randrange(len(words) - _CALIBRATION_MARGIN)
        yield " ".join(words[start : start + choose.choice(_CALIBRATION_WORDS)])


def main() -> int:
    """Returns the exit status: 0, or 3 for an unsupported model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("engine")
    parser.add_argument("out_dir", type=Path)
    arguments = parser.parse_args()
    try:
        convert(arguments.model_dir, arguments.engine, arguments.out_dir)
    except UnsupportedModel as error:
        sys.stderr.write(f"{error}\n")
        return UNSUPPORTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
