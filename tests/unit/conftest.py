"""Unit tests need no Ray: starting it is an error."""

from __future__ import annotations

import sys
from typing import NoReturn

import pytest


@pytest.fixture(autouse=True)
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `ray.init` raise, where the code under test has imported Ray at all."""
    ray = sys.modules.get("ray")
    if ray is not None and hasattr(ray, "init"):
        monkeypatch.setattr(ray, "init", refuse)


def refuse(*_args: object, **_options: object) -> NoReturn:
    """Stands in for `ray.init`."""
    raise AssertionError(
        "a unit test must not start Ray: hand the part that needs it to tests/cluster"
    )
