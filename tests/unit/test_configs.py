"""Settings: deploy files, precedence, secrets and network exposure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from configs.settings import RaySettings, Settings
from serve_app.process.environment import ray_environment
from serve_app.process.refusals import CannotStart, refuse_open_door
from serve_app.process.service import read_settings
from stores.credentials import milvus_token, with_password
from tests.paths import ROOT

DEPLOY_FILES = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PAPERWORKS_") or name in ("DATABASE_URL", "MILVUS_URI", "BLOB_URI"):
            monkeypatch.delenv(name)


def arguments_of(path: Path) -> dict[str, Any]:
    [application] = yaml.safe_load(path.read_text())["applications"]
    assert application["name"] == "paperworks"
    assert application["import_path"] == "serve_app.deployment:build"
    return application["args"]


@pytest.mark.parametrize("path", DEPLOY_FILES, ids=lambda path: path.name)
def test_settings_accept_deploy_files(path: Path) -> None:
    assert Settings(**arguments_of(path)).home
    assert read_settings(path).home == Settings(**arguments_of(path)).home


def test_settings_deploy_file_takes_precedence_over_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PAPERWORKS_HOME", "/from/environment")
    monkeypatch.setenv("PAPERWORKS_JOBS__LEASE_SECONDS", "7")
    settings = Settings(**arguments_of(ROOT / "configs" / "local.yaml"))
    assert settings.home == Path.cwd() / "var"
    assert settings.jobs.lease_seconds == 7


def test_settings_command_line_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERWORKS_HTTP__PORT", "7001")
    monkeypatch.setenv("PAPERWORKS_HTTP__UPLOAD_LIMIT_BYTES", "1234")
    from_environment = read_settings(None)
    assert (from_environment.http.port, from_environment.http.upload_limit_bytes) == (7001, 1234)
    from_file = read_settings(ROOT / "configs" / "local.yaml")
    assert (from_file.http.port, from_file.http.upload_limit_bytes) == (8000, 1234)
    given = read_settings(ROOT / "configs" / "local.yaml", port=7002, home=Path("elsewhere"))
    assert (given.http.port, given.home) == (7002, Path.cwd() / "elsewhere")


@pytest.mark.parametrize("name", ["DATABASE_URL", "MILVUS_URI", "BLOB_URI"])
def test_settings_store_addresses_use_unprefixed_variables(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "postgresql://else" if name == "DATABASE_URL" else "somewhere://else"
    monkeypatch.setenv(name, address)
    assert getattr(Settings(), name.lower()) == address


def test_settings_reject_unknown_name() -> None:
    with pytest.raises(ValidationError, match="hone"):
        Settings.model_validate({"hone": "var"})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_host_is_accepted_without_sign_in(host: str) -> None:
    refuse_open_door(read_settings(None, host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_public_host_is_rejected_without_keys(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotStart, match="requests need no key"):
        refuse_open_door(read_settings(None, host=host))
    with pytest.raises(CannotStart, match="requests need no key"):
        refuse_open_door(read_settings(None), host)  # a running Serve listens on that address
    monkeypatch.setenv("PAPERWORKS_HTTP__AUTH", "required")
    refuse_open_door(read_settings(None, host=host))


def test_settings_are_serialized_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hidden1@host/db?application_name=x")
    monkeypatch.setenv("MILVUS_URI", "http://me:hidden2@host:19530")
    monkeypatch.setenv("PAPERWORKS_STORES__MILVUS_TOKEN", "hidden3")
    sent = Settings(home=Path("/some/where")).without_secrets()
    assert "hidden" not in sent
    received = Settings.model_validate_json(sent)
    assert received.home == Path("/some/where")
    assert received.database_url == "postgresql://me@host/db?application_name=x"
    assert received.milvus_uri == "http://me@host:19530"
    # The connecting process reads the secrets from its own environment.
    assert with_password(received.database_url, "DATABASE_URL") == os.environ["DATABASE_URL"]
    assert with_password(received.milvus_uri, "MILVUS_URI") == os.environ["MILVUS_URI"]
    assert milvus_token(None) == "hidden3"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"database_url": "postgresql://me:secret@host/db"}, "database_url"),
        ({"DATABASE_URL": "postgresql://me@host/db?password=secret"}, "DATABASE_URL"),
        ({"milvus_uri": "http://me:secret@host:19530"}, "milvus_uri"),
        ({"blob_uri": "s3://key:secret@bucket"}, "blob_uri"),
        ({"stores": {"milvus_token": "secret"}}, "stores.milvus_token"),
    ],
)
def test_settings_reject_secret_in_deploy_file(
    arguments: dict[str, Any], named: str, tmp_path: Path
) -> None:
    file = tmp_path / "deploy.yaml"
    file.write_text(yaml.safe_dump({"applications": [{"args": arguments}]}))
    with pytest.raises(CannotStart, match=named) as refused:
        read_settings(file)
    assert "passfile=" in str(refused.value) and "secret@" not in str(refused.value)


def test_settings_accept_passfile_in_deploy_file(tmp_path: Path) -> None:
    url = "postgresql://me@host/db?passfile=/home/me/.pgpass"
    file = tmp_path / "deploy.yaml"
    file.write_text(yaml.safe_dump({"applications": [{"args": {"database_url": url}}]}))
    assert read_settings(file).database_url == url


def test_local_ray_cluster_requires_token_of_home(tmp_path: Path) -> None:
    alone = ray_environment(Settings(home=tmp_path))
    assert alone["RAY_AUTH_MODE"] == "token"
    assert alone["RAY_AUTH_TOKEN_PATH"] == str(tmp_path / "ray_token")
    joined = ray_environment(Settings(home=tmp_path, ray=RaySettings(address="auto")))
    assert not {name for name in joined if name.startswith("RAY_AUTH")}
