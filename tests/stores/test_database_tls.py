"""TLS to PostgreSQL, and refused connections: error class and message."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from domain.errors import DatabaseRefused, DatabaseUnavailable
from runtime.outage_log import OutageLog
from stores.embedded.embedded_postgres import EmbeddedPostgres
from stores.postgres import postgres_session
from stores.postgres.database import Database
from tests.stores.tls_proxy import TlsProxy


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def root_certificate(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Path:
    file = tmp_path_factory.mktemp("ca") / "root.pem"
    authority.cert_pem.write_to_path(file)
    return file


@pytest.fixture
async def secured(postgres: EmbeddedPostgres, authority: trustme.CA) -> AsyncIterator[TlsProxy]:
    """PostgreSQL behind a TLS proxy whose certificate is for `localhost`, not for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    async with TlsProxy(postgres.port, context).running() as proxy:
        yield proxy


async def ping(
    server: EmbeddedPostgres, port: int, parameters: str, host: str = "127.0.0.1"
) -> None:
    """Connects through the port with these URL parameters."""
    url = server.url.replace(f"127.0.0.1:{server.port}", f"{host}:{port}")
    database = Database(f"{url}{'&' if '?' in url else '?'}{parameters}")
    try:
        await database.ping()
    finally:
        await database.close()


async def test_sslmode_of_url_is_applied(
    postgres: EmbeddedPostgres, secured: TlsProxy, root_certificate: Path
) -> None:
    root = f"sslrootcert={root_certificate}"
    for number, (parameters, host) in enumerate(
        (
            ("sslmode=require", "127.0.0.1"),
            (f"sslmode=verify-ca&{root}", "127.0.0.1"),
            (f"sslmode=verify-full&{root}", "localhost"),
            ("sslmode=prefer", "127.0.0.1"),
        ),
        start=1,
    ):
        await ping(postgres, secured.port, parameters, host)
        assert (secured.encrypted, secured.plain) == (number, 0)
    await ping(postgres, secured.port, "sslmode=disable")
    assert secured.plain == 1


@pytest.mark.parametrize(
    ("parameters", "said", "advice"),
    [
        ("sslmode=verify-ca&sslrootcert={stranger}", "certificate verify failed", "sslrootcert"),
        ("sslmode=verify-full&sslrootcert={root}", "certificate verify failed", "host name"),
        ("sslrootcert=system", "certificate verify failed", "sslrootcert"),
        ("sslmode=verify-full&sslrootcert=/no/such.pem", "/no/such.pem", "DATABASE_URL"),
    ],
)
async def test_mismatched_certificate_is_refused(
    postgres: EmbeddedPostgres,
    secured: TlsProxy,
    root_certificate: Path,
    tmp_path: Path,
    parameters: str,
    said: str,
    advice: str,
) -> None:
    stranger = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    with pytest.raises(DatabaseRefused) as refused:
        await ping(
            postgres, secured.port, parameters.format(stranger=stranger, root=root_certificate)
        )
    assert said in refused.value.message and advice in refused.value.message
    assert (secured.encrypted, secured.plain) == (0, 0)


async def test_postgres_without_tls_is_refused(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(DatabaseRefused, match="does not support TLS"):
        await ping(postgres, postgres.port, "sslmode=require")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("paperworks:hush@127.0.0.1:{port}/postgres", "password authentication failed"),
        ("{user}@127.0.0.1:{port}/no_such_database", "no_such_database"),
        ("{user}@127.0.0.1:{port}/postgres?options=-c%20nonsense%3D1", "nonsense"),
    ],
)
async def test_refused_postgres_connection_gives_advice(
    postgres: EmbeddedPostgres, place: str, said: str
) -> None:
    user = postgres.url.partition("://")[2].partition("@")[0]
    query = postgres.url.partition("?")[2]
    url = f"postgresql://{place.format(user=user, port=postgres.port)}"
    database = Database(f"{url}{'&' if '?' in url else '?'}{query}" if query else url)
    # The base class: callers that retry on DatabaseUnavailable also cover refused connections.
    with pytest.raises(DatabaseUnavailable) as refused:
        await database.ping()
    await database.close()
    assert isinstance(refused.value, DatabaseRefused) and refused.value.code == "database_refused"
    assert said in refused.value.message and "hush" not in refused.value.message


async def test_postgres_outage_is_logged_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(postgres_session, "OUTAGES", OutageLog("PostgreSQL", lambda: now[0]))
    nowhere = Database("postgresql://u:hush@127.0.0.1:1/x")
    with caplog.at_level(logging.WARNING, "runtime.outage_log"):
        for now[0] in (0.0, 1.0, 59.0, 61.0):
            with pytest.raises(DatabaseUnavailable):
                await nowhere.ping()
    await nowhere.close()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert all("Connect call failed" in line and "hush" not in line for line in said)
