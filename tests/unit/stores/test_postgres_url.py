"""libpq URLs: supported parameters, TLS modes, and rejected parameters."""

from __future__ import annotations

import pytest

from domain.errors import InvalidSetting
from stores.postgres.postgres_session import SessionLimits
from stores.postgres.postgres_url import is_local, parse_postgres_url


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGSSLMODE", "PGHOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://u:p@db.example.com/x", "require"),
        ("postgres://u@10.0.0.7:6432/x", "require"),
        ("postgresql+asyncpg://u@db/x", "require"),
        ("postgresql://u@127.0.0.1,db/x", "require"),  # one remote host is enough
        ("postgresql:///x?host=db", "require"),
        ("postgresql://u@db/x?sslmode=prefer", "prefer"),
        ("postgresql://u@db/x?sslmode=disable", "disable"),
        ("postgresql://u@db/x?ssl=verify-full", "verify-full"),
        ("postgresql://u@db/x?sslrootcert=system", "verify-full"),
        ("postgresql://u@localhost/x", None),
        ("postgresql://u@127.0.0.1:5433/x", None),
        ("postgresql://u@[::1]:5433/x", None),
        ("postgresql:///x?host=/run/postgresql", None),
        ("postgresql://u@%2Frun%2Fpostgresql/x", None),
    ],
)
def test_remote_postgres_requires_tls_by_default(url: str, mode: str | None) -> None:
    assert parse_postgres_url(url).sslmode == mode


def test_libpq_environment_sets_sslmode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert parse_postgres_url("postgresql://u@db/x").sslmode == "verify-full"


@pytest.mark.parametrize(
    "parameter",
    [
        "channel_binding=require",
        "gssencmode=require",
        "hostaddr=10.0.0.1",
        "sslmode=verify",
        "connect_timeout=soon",
        "target_session_attrs=master",
        "prepared_statement_cache_size=0",
        "service=papers",
        "pgbouncer=maybe",
    ],
)
def test_unsupported_url_parameter_is_rejected_by_name(parameter: str) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        parse_postgres_url(f"postgresql://u:hush@db/x?{parameter}")
    assert parameter.partition("=")[0] in refusal.value.message
    assert "hush" not in refusal.value.message


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hush@db/x",
        "u:hush@db",
        "postgresql://u:hu/sh@db/x",
        "postgresql://u:hush@x@db/x",
        "postgresql://u:hush@db/x?sslmode",
        "postgresql://u:hush@db:port/x",
    ],
)
def test_invalid_url_is_rejected_without_exposing_it(url: str) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        parse_postgres_url(url)
    assert "hush" not in refusal.value.message and "DATABASE_URL" in refusal.value.message


def test_urls_of_hosted_services_are_supported() -> None:
    address = parse_postgres_url(
        "postgresql://u:p%40ss@db.example.com:5433/x?sslmode=require&channel_binding=prefer"
        "&application_name=library&connect_timeout=3&gssencmode=disable&keepalives_idle=7"
        "&options=-c%20search_path%3Dpapers"
    )
    assert address.dsn == "postgresql://u:p%40ss@db.example.com:5433/x?sslmode=require"
    assert address.connect_seconds == 3
    assert address.keepalive_idle == 7
    assert address.startup == {
        "application_name": "library",
        "options": "-c search_path=papers",
    }
    assert "p%40ss" not in repr(address)


def test_session_limits_become_server_settings() -> None:
    settings = SessionLimits(idle_in_transaction_seconds=1.5, lock_seconds=2).server_settings()
    assert settings["idle_in_transaction_session_timeout"] == "1500"
    assert settings["lock_timeout"] == "2000"


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.1.2.3", True), ("::1", True), ("localhost", True), ("localhost.example.com", False)],
)
def test_is_local_detects_loopback_and_sockets(host: str, local: bool) -> None:
    assert is_local(host) is local
