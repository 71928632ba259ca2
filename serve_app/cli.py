"""`paperworks`, the command line. Commands import what they need when they run: --help is quick."""

from __future__ import annotations

import typer

from serve_app.commands.bulk import bulk
from serve_app.commands.collections import collections_app
from serve_app.commands.doctor import doctor
from serve_app.commands.documents import documents_app
from serve_app.commands.down import down
from serve_app.commands.events import events
from serve_app.commands.jobs import jobs
from serve_app.commands.orders import cancel, failures, retry
from serve_app.commands.search import search
from serve_app.commands.up import up
from serve_app.commands.upload import upload

app = typer.Typer(
    help="Turns a pile of research papers into a searchable library.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command()(up)
app.command()(down)
app.command()(upload)
app.command()(jobs)
app.command()(cancel)
app.command()(retry)
app.command()(failures)
app.command()(events)
app.command()(search)
app.command()(bulk)
app.command()(doctor)
app.add_typer(documents_app, name="documents")
app.add_typer(collections_app, name="collections")

if __name__ == "__main__":
    app()
