"""Roles of the embedded PostgreSQL: a superuser, and one without its rights for the application.

Whoever takes over a connection of the application can read and write the library. He is no
superuser, who reads files of the machine and runs programs.
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
# Tables first: the sequences of their columns go with them and must not be named. REASSIGN OWNED
# refuses the role that initdb made (PostgreSQL manual, REASSIGN OWNED).
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
    """The password files under `root`: both roles', and the application's as libpq reads it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.superuser = root / "superuser_password"
        self.application = root / "password"
        self.passfile = root / "pgpass"

    def prepare(self) -> None:
        """All files are there. In a folder of an older release `password` was the superuser's."""
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
    """The application's role exists, has its password and owns the tables; of an older folder too.

    Writes nothing where all is well: a server starts on a full disk as well. Raises RuntimeError
    with what psql said.
    """
    found = _ask(psql, port, APPLICATION, passwords.passfile, IS_PREPARED)
    if found.stdout.strip() == "t":
        return
    values = {"role": APPLICATION, "password": passwords.application.read_text()}
    with tempfile.NamedTemporaryFile("w", dir=passwords.root) as passfile:  # mode 0600
        passfile.write(f"127.0.0.1:*:*:{SUPERUSER}:{passwords.superuser.read_text()}\n")
        passfile.flush()
        statements = (ROLE + OWNED).format(**values)
        done = _ask(psql, port, SUPERUSER, Path(passfile.name), statements)
    if done.returncode:
        raise RuntimeError(f"The role {APPLICATION} was not prepared: {done.stderr.strip()}")


def _ask(
    psql: str, port: int, role: str, passfile: Path, statements: str
) -> subprocess.CompletedProcess[str]:
    """What psql answers; statements come by its input, where no other user sees them."""
    command = [psql, "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align"]
    where = ["--host=127.0.0.1", f"--port={port}", f"--username={role}", "--dbname=postgres"]
    return subprocess.run(
        [*command, "--set=ON_ERROR_STOP=1", *where],
        input=statements,
        env={**os.environ, "PGPASSFILE": str(passfile)},
        capture_output=True,
        text=True,
        check=False,
    )
