"""Settings: precedence of arguments, environment and defaults; descriptions; validation."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from configs.settings import RaySettings, Settings
from configs.table import fields_of, is_section
from domain.errors import InvalidSetting
from runtime.dashboard_mode import DashboardMode

PLAIN = ("DATABASE_URL", "MILVUS_URI", "BLOB_URI")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the settings of the machine that runs the tests."""
    for name in list(os.environ):
        if name.upper().startswith("PAPERWORKS_") or name.upper() in PLAIN:
            monkeypatch.delenv(name)


def every_setting(model: type, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yields each leaf setting with its dotted name."""
    for name, field in fields_of(model).items():
        kind = field.annotation
        if is_section(kind):
            yield from every_setting(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def test_settings_have_descriptions() -> None:
    without = [
        name for name, field in every_setting(Settings) if len(field.description or "") <= 10
    ]
    assert without == []


def test_settings_defaults_are_embedded_and_loopback() -> None:
    settings = Settings()
    assert (settings.database_url, settings.milvus_uri, settings.blob_uri) == (None, None, None)
    assert settings.http.host == "127.0.0.1"
    assert settings.home == Path.cwd() / "var"
    assert settings.blob_address == f"file://{settings.home / 'blobs'}"


@pytest.mark.parametrize("text", ['{"thesis": 2}', "{}"])
def test_settings_environment_sets_mappings_as_json(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("PAPERWORKS_JOBS__COLLECTION_WEIGHTS", text)
    assert Settings().jobs.collection_weights == json.loads(text)


def test_every_setting_is_read_from_its_environment_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defaults = Settings().model_dump(mode="json")
    for name, _ in every_setting(Settings):
        section, _, rest = name.partition(".")
        value = defaults[section]
        for part in filter(None, rest.split(".")):
            value = value[part]
        if value is None or "SECRET" in name.upper():
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        variable = "PAPERWORKS_" + name.upper().replace(".", "__")
        with monkeypatch.context() as alone:
            alone.setenv(variable, text)
            assert Settings().model_dump(mode="json") == defaults, variable


def test_settings_environment_sets_nested_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERWORKS_HOME", "/srv/papers")
    monkeypatch.setenv("PAPERWORKS_JOBS__LEASE_SECONDS", "20")
    monkeypatch.setenv("PAPERWORKS_JOBS__BULK__CPUS", "6")
    monkeypatch.setenv("PAPERWORKS_STORES__SHARED", "true")
    monkeypatch.setenv("PAPERWORKS_WEBHOOKS__RETRY_SECONDS", "[0.5, 2]")
    settings = Settings()
    assert settings.home == Path("/srv/papers")
    assert settings.jobs.lease_seconds == 20
    assert settings.stores.shared is True
    assert settings.jobs.bulk.cpus == 6
    assert settings.webhooks.retry_seconds == (0.5, 2)


def test_settings_environment_keeps_other_values_of_section(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Settings().jobs
    monkeypatch.setenv("PAPERWORKS_JOBS__LEASE_SECONDS", "20")
    assert Settings().jobs == replace(before, lease_seconds=20)


@pytest.mark.parametrize("plain", PLAIN)
def test_settings_addresses_come_from_unprefixed_variables(
    monkeypatch: pytest.MonkeyPatch, plain: str
) -> None:
    monkeypatch.setenv(plain, "postgresql://somewhere/else")
    assert getattr(Settings(), plain.lower()) == "postgresql://somewhere/else"


def test_settings_reject_invalid_database_url_without_showing_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hush@db/papers?channel_binding=require")
    with pytest.raises(InvalidSetting, match="channel_binding") as refusal:
        Settings()
    assert "hush" not in str(refusal.value)


def test_settings_blob_uri_is_used_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOB_URI", "s3://bucket/papers")
    assert Settings().blob_address == "s3://bucket/papers"


def test_settings_arguments_take_precedence_over_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://environment/db")
    monkeypatch.setenv("PAPERWORKS_JOBS__LEASE_SECONDS", "20")
    settings = Settings.model_validate(
        {"database_url": "postgresql://argument/db", "jobs": {"lease_seconds": 30}}
    )
    assert settings.database_url == "postgresql://argument/db"
    assert settings.jobs.lease_seconds == 30


@pytest.mark.parametrize(
    "wrong",
    [
        {"no_such_thing": 1},
        {"http": {"ingress": "magic"}},
        {"http": {"replicas": 0}},
        {"search": {"rerank_candidates": 0}},
        {"search": {"rerank_candidates": 1001}},
        {"search": {"rerank_seconds": 0}},
    ],
)
def test_settings_reject_unknown_or_invalid_values(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_settings_survive_json_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@host/db")
    settings = Settings()
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ("full", DashboardMode.FULL),
        ("lean", DashboardMode.LEAN),
        ("off", DashboardMode.OFF),
        (False, DashboardMode.OFF),  # `off` of a YAML file
        ("true", DashboardMode.FULL),  # of the boolean setting of older releases
    ],
)
def test_settings_dashboard_accepts_modes_and_booleans(
    given: str | bool, mode: DashboardMode
) -> None:
    assert RaySettings.model_validate({"dashboard": given}).dashboard is mode


def test_settings_dashboard_is_full_and_rejects_unknown_modes() -> None:
    assert Settings().ray.dashboard is DashboardMode.FULL
    with pytest.raises(ValidationError):
        RaySettings.model_validate({"dashboard": "some"})


@pytest.mark.parametrize(
    ("cpus", "address", "replicas", "processes"),
    [
        (2, None, None, 1),
        (7, None, None, 1),
        (8, None, None, 2),
        (256, None, None, 8),
        (16, "auto", None, 1),
        (2, None, 3, 3),
    ],
)
def test_settings_api_processes_follow_cpus_unless_given(
    cpus: int, address: str | None, replicas: int | None, processes: int
) -> None:
    settings = Settings.model_validate(
        {"ray": {"num_cpus": cpus, "address": address}, "http": {"replicas": replicas}}
    )
    assert settings.api_processes == processes
    assert Settings.model_validate_json(settings.without_secrets()).api_processes == processes
