"""`paperworks keys`, `login` and `logout`: API keys, and the key of this command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import (
    AsJson,
    library_command,
    print_error,
    printable,
    show,
    show_values,
)
from serve_app.process.address import is_readable_on_the_way
from serve_app.process.stored_keys import forget_key, store_key

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.access import AuditEntry, CreatedKey, Key

keys_app = typer.Typer(
    help="Create, list and revoke API keys, for services with http.auth: required.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Who or what the key is for.")]
Scopes = Annotated[
    list[str],
    typer.Option("--scope", "-s", help="search, ingest or admin; may be repeated."),
]
OfCollections = Annotated[
    list[str] | None,
    typer.Option("--collection", "-c", help="Limit the key to this collection; may be repeated."),
]
ExpiresDays = Annotated[
    int | None, typer.Option("--expires-days", min=1, help="Days until the key expires.")
]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="Id of a key.")]
NO_TLS = (
    "Warning: http:// sends the key to another machine without encryption; everyone on the way can "
    "read it. Use https://, with a TLS proxy in front of the service."
)
ServiceUrl = Annotated[str, typer.Argument(metavar="URL", help="URL of a service.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="Maximum of entries.")]


@keys_app.command("create")
@library_command
def create(
    client: Client,
    name: Name,
    scopes: Scopes = ["search"],  # noqa: B006 - typer copies it
    collections: OfCollections = None,
    expires_days: ExpiresDays = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it. It is shown only once.

    Example: paperworks keys create "Ada's notebook" --scope search --collection group-a
    """
    key = client.create_key(name, scopes, collections, expires_days)
    show(key, as_json, _created(key))


@keys_app.command("list")
@library_command
def list_keys(client: Client, as_json: AsJson = False) -> None:
    """List all keys, without their tokens.

    Example: paperworks keys list --json
    """
    keys = client.keys()
    show(keys, as_json, map(_line_of, keys.items))


@keys_app.command()
@library_command
def revoke(client: Client, key_id: KeyId, as_json: AsJson = False) -> None:
    """Revoke a key: requests with it and its sessions are refused from now on.

    Example: paperworks keys revoke 0f1e2d3c4b5a
    """
    client.revoke_key(key_id)
    show_values(f"Revoked {key_id}.", as_json, key_id=key_id, revoked=True)


@library_command
def audit(client: Client, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Show who uploaded and deleted papers, and who changed keys and webhooks.

    Example: paperworks audit --limit 20
    """
    page = client.audit(limit=limit)
    show(page, as_json, map(_audit_line, page.items))


def login(url: ServiceUrl, as_json: AsJson = False) -> None:
    """Store an API key for a service; it is read from the terminal, or from a pipe.

    Example: paperworks login https://papers.example < key.txt
    """
    from serve_app.client import Client, PaperworksProblem

    if is_readable_on_the_way(url):
        print_error(NO_TLS)
    is_terminal = sys.stdin.isatty()
    key = _asked_key() if is_terminal else sys.stdin.readline()
    try:
        with Client(url, key.strip(), retries=0) as client:
            access = client.access()
    except (PaperworksProblem, UnicodeError) as problem:
        print_error(f"The key was not stored. {problem}")
        raise typer.Exit(1) from problem
    path = store_key(url, key.strip(), os.environ)
    stored = f"Stored the key in {path}. It may {', '.join(access.scopes)}."
    show_values(stored, as_json, url=url, path=path, **access.model_dump())


def _asked_key() -> str:
    return typer.prompt("API key", hide_input=True, err=True)


def logout(url: ServiceUrl, as_json: AsJson = False) -> None:
    """Remove the stored API key for a service.

    Example: paperworks logout https://papers.example
    """
    known = forget_key(url, os.environ)
    line = f"Removed the key for {url}." if known else f"No key is stored for {url}."
    show_values(line, as_json, url=url, was_stored=known)


def _created(key: CreatedKey) -> Iterator[str]:
    yield key.token
    print_error(
        f"Key {key.key_id} was created. It is shown only once: store it now. Send it as "
        "`Authorization: Bearer KEY`, or pass it to `paperworks login URL`."
    )


def _line_of(key: Key) -> str:
    collections = "all collections" if key.collections is None else ", ".join(key.collections)
    used = "never used" if key.last_used_at is None else f"used {key.last_used_at:%Y-%m-%d %H:%M}"
    end = "revoked" if key.revoked_at else _expiry(key)
    return "  ".join(
        (key.key_id, printable(key.name), ", ".join(key.scopes), collections, used, end)
    ).rstrip()


def _expiry(key: Key) -> str:
    return f"expires {key.expires_at:%Y-%m-%d}" if key.expires_at else ""


def _audit_line(entry: AuditEntry) -> str:
    details = " ".join(f"{name}={value}" for name, value in entry.details.items())
    place = f"in {entry.collection}" if entry.collection else ""
    parts = (f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor, entry.action, entry.subject)
    return printable("  ".join(filter(None, (*parts, place, details))))
