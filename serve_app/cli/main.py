"""The `paperworks` command line. Commands import lazily, so that --help is fast."""

from __future__ import annotations

import typer

from serve_app.cli.bulk_job import bulk
from serve_app.cli.collections import collections_app
from serve_app.cli.doctor import doctor
from serve_app.cli.documents import documents_app
from serve_app.cli.down import down
from serve_app.cli.export import export
from serve_app.cli.jobs import acknowledge, cancel, events, failures, jobs, retry
from serve_app.cli.keys import audit, keys_app, login, logout
from serve_app.cli.mcp import mcp
from serve_app.cli.open_page import open_page
from serve_app.cli.search import search
from serve_app.cli.up import up
from serve_app.cli.upload import upload
from serve_app.cli.webhooks import webhooks_app

app = typer.Typer(
    help="Turns a pile of research papers into a searchable library.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
COMMANDS = (up, down, upload, jobs, cancel, retry, failures, events, search, bulk, doctor)
COMMANDS += (export, acknowledge, audit, login, logout, mcp)
for command in COMMANDS:
    app.command()(command)
app.command("open")(open_page)
app.add_typer(documents_app, name="documents")
app.add_typer(collections_app, name="collections")
app.add_typer(keys_app, name="keys")
app.add_typer(webhooks_app, name="webhooks")

if __name__ == "__main__":
    app()
