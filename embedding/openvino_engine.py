"""The encoder on an OpenVINO graph: fast on a CPU, and without torch and transformers.

`embedding/convert.py` writes the folder that is loaded here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from tokenizers import Tokenizer

from embedding.cpu_features import has_amx
from embedding.embedding_tables import gather_before_scaling
from embedding.encoder import EncodeBatches, cut_batches, unit_rows
from embedding.token_batch import TokenBatch
from embedding.token_format import CPU_BATCH_TOKENS
from embedding.tokenizer import shared_format, tokenize
from runtime.patches.openvino import ov

GRAPH, TOKENIZER, META = "model.xml", "tokenizer.json", "meta.json"

# One stream per thread: work is not split between threads, so no thread waits. Each stream keeps
# its own activations: after 500 texts 209 MB with pieces of 256 tokens, 231 MB with 512, 327 MB
# with 2,048, and 17.2, 17.7 and 18.1 s of CPU. Small pieces also balance the texts of a single
# caller over the streams.
_MAX_STREAMS = 8
_PIECE_TOKENS = 256

# OpenVINO caches compiled kernels for every input shape: 755 MB after 1,200 texts of all lengths,
# 431 MB with lengths rounded up to 16, at the same speed.
_LENGTH_STEP = 16

# Race condition in OpenVINO: if two threads pass the first array of the process at the same time,
# they may deadlock. One holds the guard of a C++ static and waits for the GIL, the other the
# reverse (seen with 2026.4, by py-spy). So one thread passes the first array under this lock.
_FIRST_USE = threading.Lock()


@dataclass(frozen=True, slots=True)
class GraphMeta:
    """The metadata that the graph does not contain; `inputs` are its inputs in order."""

    dimension: int
    max_tokens: int
    pad_id: int
    inputs: tuple[str, ...]
    precision: str
    document_prompt: str = ""
    query_prompt: str = ""

    def save(self, folder: Path) -> None:
        (folder / META).write_text(json.dumps(asdict(self), indent=1))

    @staticmethod
    def load(folder: Path) -> GraphMeta:
        fields = json.loads((folder / META).read_text())
        return GraphMeta(**{**fields, "inputs": tuple(fields["inputs"])})


class OpenVinoEncoder:
    """A `TokenEncoder` on a converted model. Concurrent calls share its streams.

    `model_dir` is the folder of the original model: its tokenizer is that of the token ids.
    """

    def __init__(
        self, folder: Path, threads: int, model_dir: Path | None = None, batch_tokens: int = 0
    ) -> None:
        self._meta = GraphMeta.load(folder)
        self.engine = f"OpenVINO {self._meta.precision} on the CPU"
        self.dimension = self._meta.dimension
        self.max_tokens = self._meta.max_tokens
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self.batch_tokens = batch_tokens or CPU_BATCH_TOKENS
        self.token_format = (
            shared_format(self._tokenizer, model_dir, self._meta.document_prompt)
            if model_dir
            else None
        )
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.max_tokens)
        self._streams = min(threads, _MAX_STREAMS)
        graph = _compile(folder / GRAPH, self._meta.precision, threads, self._streams)
        self._requests: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(self._streams):
            self._requests.put(graph.create_infer_request())
        # 40 MB. A query that waits for a stream of the passages takes 15 ms instead of 8 during the
        # ingestion of a folder on two cores.
        queries = _compile(folder / GRAPH, self._meta.precision, threads=1, streams=1)
        self._query_request = queries.create_infer_request()
        self._query_lock = threading.Lock()
        with _FIRST_USE:
            self._run(tokenize(self._tokenizer, [""]), [0])
        self._pool = ThreadPoolExecutor(self._streams, thread_name_prefix="openvino")

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: (len(texts), dimension) float32, each of norm 1."""
        prompted = [self._meta.document_prompt + text for text in texts]
        return self.encode_tokens(tokenize(self._tokenizer, prompted))

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of queries, with the model's query prompt; same shape and norm.

        Queries have a stream of their own, which runs in the calling thread: they wait for each
        other, not for passages.
        """
        tokens = tokenize(self._tokenizer, [self._meta.query_prompt + text for text in texts])
        with self._query_lock:
            return self._encode(tokens, partial(map, partial(self._run_query, tokens)))

    def encode_tokens(self, tokens: TokenBatch) -> np.ndarray:
        """Returns the vectors of passages with these token ids, as `encode` for their texts."""
        return self._encode(tokens, partial(self._pool.map, partial(self._run, tokens)))

    def _encode(self, tokens: TokenBatch, run_pieces: EncodeBatches) -> np.ndarray:
        pieces = cut_batches(tokens.counts.tolist(), _PIECE_TOKENS)
        vectors = np.empty((len(tokens), self.dimension), dtype=np.float32)
        for piece, rows in zip(pieces, run_pieces(pieces), strict=True):
            vectors[piece] = rows
        return unit_rows(vectors)

    def _run(self, tokens: TokenBatch, piece: list[int]) -> np.ndarray:
        request = self._requests.get()
        try:
            return self._infer(request, tokens, piece)
        finally:
            self._requests.put(request)

    def _run_query(self, tokens: TokenBatch, piece: list[int]) -> np.ndarray:
        return self._infer(self._query_request, tokens, piece)

    def _infer(self, request: ov.InferRequest, tokens: TokenBatch, piece: list[int]) -> np.ndarray:
        inputs = graph_inputs(self._meta, *self._padded(tokens, piece))
        return request.infer(inputs, share_inputs=True)[0]

    def _padded(self, tokens: TokenBatch, texts: list[int]) -> tuple[np.ndarray, ...]:
        """Ids and mask as int64, padded on the right to the longest text, rounded up."""
        longest = int(tokens.counts[texts].max())
        width = min(self.max_tokens, -(-longest // _LENGTH_STEP) * _LENGTH_STEP)
        ids, mask = tokens.padded(texts, width, self._meta.pad_id)
        return ids.astype(np.int64), mask.astype(np.int64)


def graph_inputs(meta: GraphMeta, ids: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the graph's inputs by name: int64, all of the shape of `ids`."""
    known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    return {name: known[name] for name in meta.inputs}


def _compile(graph: Path, precision: str, threads: int, streams: int) -> ov.CompiledModel:
    core = ov.Core()
    has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    # OpenVINO 2026.4 on a CPU with AMX: an int8 graph with bf16 for the rest returns vectors with
    # a cosine of 0.72 to 1 to the right ones for texts padded to 32 tokens, which most queries
    # are. With fp32 for the rest, and in bf16 graphs, all lengths are right
    # (tests/unit/embedding/test_encoders.py, "every length").
    may_use_bf16 = precision != "fp32" and not (precision == "int8" and has_amx())
    options = {
        "INFERENCE_NUM_THREADS": threads,  # the default is every core of the machine
        "NUM_STREAMS": streams,
        "INFERENCE_PRECISION_HINT": "bf16" if has_bf16 and may_use_bf16 else "f32",
        "ENABLE_CPU_PINNING": False,  # it would pin two encoders to the same cores
    }
    # Read for each graph: two graphs that are compiled from one model take 21 MB more.
    model = core.read_model(str(graph))
    gather_before_scaling(model)
    return core.compile_model(model, "CPU", options)
