"""`serve deploy` and `serve run` reject the same settings as `paperworks up`, before they start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.ports import free_port
from serve_app.process.refusals import CannotStart


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"http": {"host": "0.0.0.0"}}, "requests need no key"),
        ({"database_url": "postgresql://me:hush@host/db"}, "secret in database_url"),
        ({"stores": {"milvus_token": "hush"}}, "secret in stores.milvus_token"),
    ],
)
def test_deployment_rejects_public_host_and_secrets(
    arguments: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    from serve_app.deployment import build

    with pytest.raises(CannotStart, match=sentence) as refused:
        build({"home": str(tmp_path / "home"), **arguments})
    assert "hush" not in str(refused.value)
    assert not (tmp_path / "home").exists()


@pytest.fixture
def open_serve(cluster: Any) -> Iterator[None]:
    """A Serve instance that was deployed with host 0.0.0.0; no proxy listens."""
    from ray import serve

    options: Any = {"host": "0.0.0.0", "port": free_port(), "location": "NoServer"}
    serve.start(http_options=options)
    yield
    serve.shutdown()


def test_deployment_rejects_public_address_of_running_serve(
    open_serve: None, tmp_path: Path
) -> None:
    """The address of Serve is in `http_options` of the deploy file, not in the arguments."""
    from serve_app.deployment import build

    with pytest.raises(CannotStart, match=r"0\.0\.0\.0 can be reached"):
        build({"home": str(tmp_path / "home")})
    assert not (tmp_path / "home").exists()
