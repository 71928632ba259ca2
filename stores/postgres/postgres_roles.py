"""Roles of the embedded PostgreSQL: a superuser, and an unprivileged role for the application.

Least privilege: a compromised connection of the application can read and write the library only. A
superuser could also read files of the machine and run programs.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from runtime.private_files import SECRET_BYTES, private_folder, secret, write_private

SUPERUSER, APPLICATION = "paperworks", "paperworks_app"
ROLE = """
SET log_min_error_statement = panic;  -- the server's log never shows a statement with the password
SET client_min_messages = warning;
SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD '{password}';
ALTER SCHEMA public OWNER TO {role};
"""
IS_PREPARED = """
SELECT NOT rolsuper AND nspowner = role.oid AND NOT EXISTS (
    SELECT FROM pg_class
    WHERE relnamespace = namespace.oid AND relowner <> role.oid
) FROM pg_roles role, pg_namespace namespace WHERE rolname = current_user AND nspname = 'public';
"""
# Tables first: the sequences of their columns change owner with them and must not be altered
# separately. REASSIGN OWNED does not work for the role that initdb created (PostgreSQL manual).
OWNED = """
SELECT format('ALTER TABLE %s OWNER TO {role}', oid::regclass) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
    AND relowner <> '{role}'::regrole \\gexec
SELECT format('ALTER SEQUENCE %s OWNER TO {role}', oid::regclass) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
    AND relowner <> '{role}'::regrole \\gexec
SELECT format('ALTER ROUTINE %s OWNER TO {role}', oid::regprocedure) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proowner <> '{role}'::regrole \\gexec
SELECT format('ALTER TYPE %s OWNER TO {role}', oid::regtype) FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e', 'r')
    AND typowner <> '{role}'::regrole \\gexec
"""


class Passwords:
    """Password files under `root`: one per role, and a libpq passfile for the application."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.superuser = root / "superuser_password"
        self.application = root / "password"
        self.passfile = root / "pgpass"

    def prepare(self) -> None:
        """Creates missing files. In a folder of an older release, `password` is the superuser's."""
        if self.passfile.exists():
            return
        private_folder(self.root)
        with FileLock(self.root / "passwords.lock"):
            if self.passfile.exists():
                return
            with suppress(FileNotFoundError, FileExistsError):
                os.link(self.application, self.superuser)
            secret(self.superuser)
            write_private(self.application, secrets.token_hex(SECRET_BYTES))
            entry = f"*:*:{APPLICATION}:{self.application.read_text()}\n"
            write_private(self.passfile, f"127.0.0.1:{entry}localhost:{entry}")


def ensure_application_role(psql: str, passwords: Passwords, port: int) -> None:
    """Creates or repairs the application's role: login, password, ownership of all tables.

    Also upgrades the data folder of an older release. Writes nothing if the role is correct, so
    that the server also starts on a full disk. Raises RuntimeError with the error output of psql.
    """
    check = _psql(psql, port, APPLICATION, passwords.passfile, IS_PREPARED)
    if check.stdout.strip() == "t":
        return
    values = {"role": APPLICATION, "password": passwords.application.read_text()}
    with tempfile.NamedTemporaryFile("w", dir=passwords.root) as passfile:  # mode 0600
        passfile.write(f"127.0.0.1:*:*:{SUPERUSER}:{passwords.superuser.read_text()}\n")
        passfile.flush()
        statements = (ROLE + OWNED).format(**values)
        result = _psql(psql, port, SUPERUSER, Path(passfile.name), statements)
    if result.returncode:
        raise RuntimeError(f"The role {APPLICATION} was not prepared: {result.stderr.strip()}")


def _psql(
    psql: str, port: int, role: str, passfile: Path, statements: str
) -> subprocess.CompletedProcess[str]:
    """Runs psql. Statements are passed by stdin, so that other users cannot see them in `ps`."""
    command = [psql, "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align"]
    target = ["--host=127.0.0.1", f"--port={port}", f"--username={role}", "--dbname=postgres"]
    return subprocess.run(
        [*command, "--set=ON_ERROR_STOP=1", *target],
        input=statements,
        env={**os.environ, "PGPASSFILE": str(passfile)},
        capture_output=True,
        text=True,
        check=False,
    )
