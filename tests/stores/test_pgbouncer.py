"""The stores through PgBouncer in transaction mode; skipped if it is not installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from domain.errors import DatabaseRefused
from domain.jobs import JobStatus
from runtime.ports import free_port
from runtime.processes import stop, wait_for_port
from stores.embedded.embedded_postgres import NOBODY, EmbeddedPostgres
from stores.postgres.database import Database
from tests.stores.postgres import postgres_stores
from tests.stores.work import DONE, LEASE, admit, begin, claim, upload

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")


@pytest.fixture(scope="module")
def pgbouncer(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a PgBouncer with two server connections for all clients."""
    folder, port = tmp_path_factory.mktemp("pgbouncer"), free_port()
    user, password = credentials(postgres.url)
    config = folder / "pgbouncer.ini"
    config.touch(0o600)
    config.write_text(
        f"[databases]\n* = host=127.0.0.1 port={postgres.port} user={user} password={password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n"
    )
    command = [str(PGBOUNCER), str(config)]
    if os.geteuid() == 0:  # PgBouncer does not run as root
        shutil.chown(config, NOBODY, NOBODY)
        ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        reach = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        command = ["setpriv", *ids, *reach, *command]
    log = folder / "pgbouncer.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for_port(port, process, 20, log)
        yield port
    finally:
        stop(process)


def credentials(url: str) -> tuple[str, str]:
    """Returns user and password of a URL, or of its passfile."""
    parts = urlsplit(url)
    password = unquote(parts.password or "")
    if not password:
        [passfile] = parse_qs(parts.query)["passfile"]
        password = Path(passfile).read_text().splitlines()[0].rpartition(":")[2]
    return unquote(parts.username or ""), password


def through(port: int, database_url: str, parameters: str) -> str:
    """Connects to the database of the URL through PgBouncer, which has the password."""
    return f"postgresql://anybody@127.0.0.1:{port}{urlsplit(database_url).path}?{parameters}"


async def test_task_lifecycle_works_through_pgbouncer(pgbouncer: int, database_url: str) -> None:
    database = Database(through(pgbouncer, database_url, "pgbouncer=true"))
    stores = postgres_stores(database)
    uploads = [[upload()] for _ in range(24)]
    await asyncio.gather(*(stores.jobs.admit("papers", one) for one in uploads))
    tasks = await claim(stores)
    assert len(tasks) == 24
    assert len(await stores.queue.heartbeat(tasks, LEASE)) == 24
    await asyncio.gather(*(stores.queue.finish(task, DONE) for task in tasks))
    jobs = await asyncio.gather(*(stores.jobs.job(task.job_id) for task in tasks))
    assert {job.status for job in jobs} == {JobStatus.COMPLETED}
    assert await asyncio.gather(*(stores.jobs.check_queue_limit("papers") for _ in range(24)))
    await database.close()


async def test_pgbouncer_error_names_missing_parameter(pgbouncer: int, database_url: str) -> None:
    database = Database(through(pgbouncer, database_url, "application_name=papers"))
    with pytest.raises(DatabaseRefused, match="pgbouncer=true"):
        await database.ping()
    await database.close()


async def test_repeated_claims_work_through_pgbouncer(pgbouncer: int, database_url: str) -> None:
    """Repeated statements: none is left prepared on a server connection."""
    database = Database(through(pgbouncer, database_url, "pgbouncer=true"))
    stores = postgres_stores(database)
    for _ in range(3):
        await stores.queue.finish(await begin(stores), DONE)
    async with database.driver() as connection:
        assert await connection.fetchval("SELECT count(*) FROM pg_prepared_statements") == 0
    await admit(stores)
    await database.close()
