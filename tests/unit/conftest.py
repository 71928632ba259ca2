"""Unit tests must not start Ray."""

from __future__ import annotations

import sys
from typing import NoReturn

import pytest


@pytest.fixture(autouse=True)
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `ray.init` raise if Ray has been imported."""
    ray = sys.modules.get("ray")
    if ray is not None and hasattr(ray, "init"):
        monkeypatch.setattr(ray, "init", refuse)


def refuse(*_args: object, **_options: object) -> NoReturn:
    """Replaces `ray.init`."""
    raise AssertionError("a unit test must not start Ray: move tests that need it to tests/cluster")
